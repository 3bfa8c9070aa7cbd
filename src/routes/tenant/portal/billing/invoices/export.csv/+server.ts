import { INVOICE_LIST, type InvoiceRow, listInvoices } from '#lib/billing/invoiceList.server.ts';
import { invoiceBadge } from '#lib/billing/invoiceWords.ts';
import { asCustomer } from '#lib/core/db.server.ts';
import { inMajorUnits } from '#lib/core/money.ts';
import { requireCustomer } from '#lib/identity/guard.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { CsvColumn } from '#lib/ui/csv.ts';
import { csvOfList } from '#lib/ui/csv-response.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { RequestHandler } from './$types';

/** Exactly the company's invoices that search and filters leave, in the order of the list. */
export const GET: RequestHandler = (event) => {
	const { scope, customerId } = requireCustomer(event, 'invoices:read');
	const query = parseListQuery(event.url, INVOICE_LIST);
	const columns: CsvColumn<InvoiceRow>[] = [
		{ label: m.portal_invoice_number(), value: (row) => row.number },
		{ label: m.portal_invoice_date(), value: (row) => row.issuedAt ?? row.createdAt },
		{ label: m.portal_invoice_status(), value: (row) => invoiceBadge(row).label },
		{ label: m.portal_invoice_total(), value: (row) => inMajorUnits(row.total, row.currency) },
		{
			label: m.invoices_remaining(),
			value: (row) => inMajorUnits(row.amountRemaining, row.currency)
		},
		{ label: m.billing_currency(), value: (row) => row.currency.toUpperCase() }
	];
	return csvOfList('facturas.csv', columns, (page) =>
		asCustomer(scope, (tx) => listInvoices(tx, customerId, { ...query, ...page }))
	);
};
