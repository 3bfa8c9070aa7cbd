import { db } from '#lib/core/db.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { listTemplates, TEMPLATE_LIST } from '#lib/infrastructure/templates/templateList.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const staff = requireStaff(event, 'infrastructure:read');
	return {
		list: await listTemplates(db, parseListQuery(event.url, TEMPLATE_LIST)),
		clusters: await db.cluster.findMany({ orderBy: { name: 'asc' }, select: { name: true } }),
		mayWrite: staff.permissions.has('infrastructure:write'),
		crumbs: [
			{ label: m.admin_nav_infrastructure(), href: '/admin/infrastructure' },
			{ label: m.template_title() }
		]
	};
};
