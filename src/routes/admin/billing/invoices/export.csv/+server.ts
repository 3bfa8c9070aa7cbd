import {
	INVOICES_LIST,
	type InvoicesRow,
	searchInvoices
} from '#lib/billing/invoiceSearch.server.ts';
import { invoiceBadge } from '#lib/billing/invoiceWords.ts';
import { db } from '#lib/core/db.server.ts';
import { inMajorUnits } from '#lib/core/money.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { CsvColumn } from '#lib/ui/csv.ts';
import { csvOfList } from '#lib/ui/csv-response.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { RequestHandler } from './$types';

/** Exactly the invoices that the list's search and filters leave, in its order. */
export const GET: RequestHandler = (event) => {
	requireStaff(event, 'billing:read');
	const query = parseListQuery(event.url, INVOICES_LIST);
	const amount =
		(
			key:
				| `${'credited' | 'refunded' | 'chargedBack'}Amount`
				| `amount${'Paid' | 'Remaining'}`
				| 'total'
		) =>
		(row: InvoicesRow) =>
			inMajorUnits(row[key], row.currency);
	const columns: CsvColumn<InvoicesRow>[] = [
		{ label: 'ID', value: (row) => row.id },
		{ label: m.portal_invoice_number(), value: (row) => row.number },
		{ label: m.tenants_company(), value: (row) => row.companyName },
		{ label: m.tenants_email(), value: (row) => row.email },
		{ label: m.invoices_country(), value: (row) => row.country },
		{ label: m.tenants_plan(), value: (row) => row.plan },
		{ label: m.subscription_state(), value: (row) => invoiceBadge(row).label },
		{ label: m.invoices_issued(), value: (row) => row.issuedAt ?? row.createdAt },
		{ label: m.invoices_due(), value: (row) => row.dueAt },
		{ label: m.invoices_paid_at(), value: (row) => row.paidAt },
		{ label: m.invoices_attempts(), value: (row) => row.attemptCount },
		{ label: m.portal_invoice_total(), value: amount('total') },
		{ label: m.invoices_sum_paid(), value: amount('amountPaid') },
		{ label: m.invoices_remaining(), value: amount('amountRemaining') },
		{ label: m.invoice_credited(), value: amount('creditedAmount') },
		{ label: m.invoices_sum_refunded(), value: amount('refundedAmount') },
		{ label: m.invoices_charged_back(), value: amount('chargedBackAmount') },
		{ label: m.billing_currency(), value: (row) => row.currency.toUpperCase() }
	];
	return csvOfList('facturas.csv', columns, (page) => searchInvoices(db, { ...query, ...page }));
};
