import { usedCurrencies } from '#lib/billing/figures.server.ts';
import { listMovements, MOVEMENT_LIST } from '#lib/billing/subscriptionList.server.ts';
import { db } from '#lib/core/db.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	requireStaff(event, 'billing:read');
	const query = parseListQuery(event.url, MOVEMENT_LIST);
	return {
		...(await listMovements(db, query)),
		currencies: await usedCurrencies(db),
		crumbs: [
			{ label: m.admin_nav_billing(), href: '/admin/billing' },
			{ label: m.dashboard_mrr_movements() }
		]
	};
};
