import type { Tx } from '#lib/core/db.server.ts';
import { pageOfRows, type PageMeta, type PageRequest } from '#lib/core/paging.server.ts';
import type { ListSpec } from '#lib/ui/list-query.ts';
import { Prisma } from '#prisma/generated/client.ts';
import { DrainStatus } from '#prisma/generated/enums.ts';
import { drainRows, type DrainRow } from './drainView.server.ts';

export const DRAIN_LIST = {
	sort: ['created_at'],
	defaultSort: '-created_at',
	filters: ['status', 'node']
} satisfies ListSpec;

export interface DrainQuery extends PageRequest {
	sort: { direction: 'asc' | 'desc' };
	/** `node`: its name. */
	filters: { status?: string; node?: string };
}

/** One page of the drains of nodes. */
export function listDrains(
	tx: Tx,
	query: DrainQuery
): Promise<{ rows: DrainRow[]; meta: PageMeta }> {
	const { status, node } = query.filters;
	const conditions = [Prisma.sql`true`];
	if (status && Object.hasOwn(DrainStatus, status))
		conditions.push(Prisma.sql`drain.status = ${status}::drain_status`);
	if (node) conditions.push(Prisma.sql`node.name = ${node}`);
	return pageOfRows(
		tx,
		{
			from: Prisma.sql`node_drains AS drain JOIN proxmox_nodes node ON node.id = drain.node_id`,
			where: Prisma.join(conditions, ' AND '),
			sortBy: Prisma.sql`drain.created_at`,
			sortType: 'timestamptz',
			direction: query.sort.direction,
			id: Prisma.sql`drain.id`
		},
		query,
		({ in: ids }) => drainRows(tx, ids)
	);
}

/** Those that are under way or paused. */
export async function openDrains(tx: Tx): Promise<DrainRow[]> {
	const open = await tx.nodeDrain.findMany({
		where: { status: { in: ['running', 'paused'] } },
		orderBy: { createdAt: 'asc' },
		select: { id: true },
		take: 20
	});
	const rows = await drainRows(
		tx,
		open.map(({ id }) => id)
	);
	return rows.sort((a, b) => a.createdAt.getTime() - b.createdAt.getTime());
}
