import { DUNNING_LIST, dunningTotals, listDunning } from '#lib/billing/dunningList.server.ts';
import { db } from '#lib/core/db.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	requireStaff(event, 'billing:read');
	const query = parseListQuery(event.url, DUNNING_LIST);
	return {
		...(await listDunning(db, query)),
		totals: await dunningTotals(db),
		crumbs: [{ label: m.admin_nav_billing(), href: '/admin/billing' }, { label: m.dunning_title() }]
	};
};
