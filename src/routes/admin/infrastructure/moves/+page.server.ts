import { db } from '#lib/core/db.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { openDrains } from '#lib/provisioning/moves/drains/drainList.server.ts';
import { listMoves, MOVE_LIST } from '#lib/provisioning/moves/moveList.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	requireStaff(event, 'infrastructure:read');
	return {
		list: await listMoves(db, parseListQuery(event.url, MOVE_LIST)),
		drains: await openDrains(db),
		nodes: await db.node.findMany({ orderBy: { name: 'asc' }, select: { name: true } }),
		crumbs: [
			{ label: m.admin_nav_infrastructure(), href: '/admin/infrastructure' },
			{ label: m.cmove_title() }
		]
	};
};
