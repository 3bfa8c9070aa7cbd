import type { Tx } from '#lib/core/db.server.ts';
import type { Staff } from '#lib/identity/guard.server.ts';

/** What the list of instances can be narrowed to: plans that are sold, and nodes. */
export async function tenantFilters(tx: Tx) {
	const plans = await tx.plan.findMany({
		where: { replacedAt: null },
		orderBy: { position: 'asc' },
		select: { key: true, name: true, isolation: true }
	});
	const nodes = await tx.node.findMany({ orderBy: { name: 'asc' }, select: { name: true } });
	return { plans, nodes: [...new Set(nodes.map(({ name }) => name))] };
}

/** What somebody may do with the instances of the list. */
export function mayWithTenants({ permissions }: Staff) {
	return {
		suspend: permissions.has('tenants:suspend'),
		reactivate: permissions.has('tenants:reactivate'),
		delete: permissions.has('tenants:delete')
	};
}
