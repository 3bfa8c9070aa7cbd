import { z } from 'zod';
import { db } from '#lib/core/db.server.ts';
import { paged, pageQuery } from '#lib/identity/endpoint.server.ts';
import { INVOICE_STATES, INVOICES_LIST, searchInvoices } from './invoiceSearch.server.ts';
import { invoiceView } from './invoiceView.server.ts';

/** What lists of invoices take in the API. */
export const invoicesQuery = pageQuery.extend({
	/** In number, company, contact and address. */
	search: z.string().max(200).default(''),
	/** Stripe's word, or `late`: open although a payment failed or its day has passed. */
	status: z.enum(INVOICE_STATES).optional(),
	/** ISO 4217. */
	currency: z.string().length(3).optional(),
	/** Key of the plan. */
	plan: z.string().max(60).optional(),
	/** ISO 3166 of the customer. */
	country: z.string().length(2).optional(),
	/** First and last day of issue, `2026-11-21`. */
	from: z.iso.date().optional(),
	to: z.iso.date().optional(),
	sort: z.enum(INVOICES_LIST.sort).default('issued_at'),
	order: z.enum(['asc', 'desc']).default('desc')
});

/** One page of everybody's invoices for the API. */
export async function invoicesPage(query: z.output<typeof invoicesQuery>) {
	const { status, currency, plan, country, from, to } = query;
	const { rows, meta } = await searchInvoices(db, {
		q: query.search.trim(),
		sort: { key: query.sort, direction: query.order },
		filters: { status, currency, plan, country, from, to },
		page: query.page,
		pageSize: query.page_size,
		cursor: query.cursor ?? null
	});
	return paged(rows.map(invoiceView), meta);
}
