import { db } from '#lib/core/db.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { CONTAINER_LIST, listContainers } from '#lib/infrastructure/containers/containerList.server.ts';
import { nodeFigures } from '#lib/infrastructure/nodes/figures.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const staff = requireStaff(event, 'infrastructure:read');
	const query = parseListQuery(event.url, CONTAINER_LIST);
	return {
		nodes: await nodeFigures(db),
		containers: await listContainers(db, query),
		maySeeTenants: staff.permissions.has('tenants:read'),
		crumbs: [{ label: m.admin_nav_infrastructure() }]
	};
};
