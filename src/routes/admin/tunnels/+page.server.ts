import { db } from '#lib/core/db.server.ts';
import { providerBudget } from '#lib/domains/providerBudget.server.ts';
import { listTunnels, TUNNEL_LIST } from '#lib/domains/tunnels/tunnelList.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const staff = requireStaff(event, 'domains:read');
	return {
		...(await listTunnels(db, parseListQuery(event.url, TUNNEL_LIST))),
		budget: await providerBudget(),
		mayWrite: staff.permissions.has('domains:write'),
		crumbs: [{ label: m.admin_nav_tunnels() }]
	};
};
