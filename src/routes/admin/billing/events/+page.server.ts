import { EVENT_LIST, eventTypes, listEvents } from '#lib/billing/eventList.server.ts';
import { db } from '#lib/core/db.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	requireStaff(event, 'billing:read');
	const query = parseListQuery(event.url, EVENT_LIST);
	return {
		...(await listEvents(db, query)),
		types: await eventTypes(db),
		crumbs: [
			{ label: m.admin_nav_billing(), href: '/admin/billing' },
			{ label: m.billing_tab_events() }
		]
	};
};
