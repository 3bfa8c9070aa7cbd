import { db } from '#lib/core/db.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { DRAIN_LIST, listDrains } from '#lib/provisioning/moves/drains/drainList.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	requireStaff(event, 'infrastructure:read');
	return {
		list: await listDrains(db, parseListQuery(event.url, DRAIN_LIST)),
		nodes: await db.node.findMany({ orderBy: { name: 'asc' }, select: { name: true } }),
		crumbs: [
			{ label: m.admin_nav_infrastructure(), href: '/admin/infrastructure' },
			{ label: m.cmove_title(), href: '/admin/infrastructure/moves' },
			{ label: m.drain_title() }
		]
	};
};
