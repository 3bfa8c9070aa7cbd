import { INVOICE_LIST, listInvoices } from '#lib/billing/invoiceList.server.ts';
import { asCustomer } from '#lib/core/db.server.ts';
import { requireCustomer } from '#lib/identity/guard.server.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const { scope, customerId } = requireCustomer(event, 'invoices:read');
	const query = parseListQuery(event.url, INVOICE_LIST);
	return asCustomer(scope, (tx) => listInvoices(tx, customerId, query));
};
