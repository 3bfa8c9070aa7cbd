import { invoiceFacets, INVOICES_LIST, searchInvoices } from '#lib/billing/invoiceSearch.server.ts';
import { invoiceTotals } from '#lib/billing/invoiceTotals.server.ts';
import { db } from '#lib/core/db.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	requireStaff(event, 'billing:read');
	const query = parseListQuery(event.url, INVOICES_LIST);
	const [list, totals, facets, seen] = await Promise.all([
		searchInvoices(db, query),
		invoiceTotals(db, query),
		invoiceFacets(),
		db.stripeCursor.aggregate({ _max: { seenThrough: true } })
	]);
	return {
		...list,
		totals,
		facets,
		seenThrough: seen._max.seenThrough,
		crumbs: [{ label: m.admin_nav_billing(), href: '/admin/billing' }, { label: m.invoices() }]
	};
};
