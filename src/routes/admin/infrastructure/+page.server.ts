import { db } from '#lib/core/db.server.ts';
import { requireStaff, type Staff } from '#lib/identity/guard.server.ts';
import {
	CONTAINER_LIST,
	listContainers
} from '#lib/infrastructure/containers/containerList.server.ts';
import { NODE_LIST, nodeCards } from '#lib/infrastructure/metrics/cards.server.ts';
import { clusterMap } from '#lib/infrastructure/metrics/map.server.ts';
import { mayWithTenants, tenantFilters } from '#lib/provisioning/tenantFilters.server.ts';
import { listTenantRows, TENANT_LIST } from '#lib/provisioning/tenantList.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { PageServerLoad } from './$types';

/** What the open tab shows, and nothing of the others. */
export const load: PageServerLoad = async (event) => {
	const staff = requireStaff(event, 'infrastructure:read');
	const tab = tabOf(event.url, staff);
	return {
		nodes: tab === 'nodes' ? await nodes(event.url) : null,
		containers: tab === 'containers' ? await containers(event.url) : null,
		deployments: tab === 'deployments' ? await deployments(event.url, staff) : null,
		counts: {
			nodes: await db.node.count({ where: { removedAt: null } }),
			containers: await db.container.count({ where: { status: { not: 'deleted' } } })
		},
		maySeeTenants: staff.permissions.has('tenants:read'),
		may: {
			write: staff.permissions.has('infrastructure:write'),
			console: staff.permissions.has('infrastructure:console')
		},
		crumbs: [{ label: m.admin_nav_infrastructure() }]
	};
};

function tabOf(url: URL, staff: Staff): 'nodes' | 'containers' | 'deployments' {
	const tab = url.searchParams.get('tab');
	if (tab === 'containers') return tab;
	// Somebody without a right to the instances has no such tab.
	if (tab === 'deployments' && staff.permissions.has('tenants:read')) return tab;
	return 'nodes';
}

async function nodes(url: URL) {
	const query = parseListQuery(url, NODE_LIST);
	if (url.searchParams.get('view') !== 'map') return { ...(await nodeCards(db, query)), map: null };
	const map = await clusterMap(db, query.filters.cluster);
	return { rows: [], meta: null, clusters: map.names, map };
}

async function containers(url: URL) {
	const names = await db.node.findMany({
		where: { removedAt: null },
		orderBy: { name: 'asc' },
		select: { name: true, cluster: { select: { name: true } } }
	});
	return { ...(await listContainers(db, parseListQuery(url, CONTAINER_LIST))), nodes: names };
}

async function deployments(url: URL, staff: Staff) {
	return {
		list: await listTenantRows(db, parseListQuery(url, TENANT_LIST)),
		...(await tenantFilters(db)),
		may: mayWithTenants(staff)
	};
}
