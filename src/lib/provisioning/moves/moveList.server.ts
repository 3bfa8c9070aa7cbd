import type { Tx } from '#lib/core/db.server.ts';
import { contains, pageOfRows, type PageMeta, type PageRequest } from '#lib/core/paging.server.ts';
import type { ListSpec } from '#lib/ui/list-query.ts';
import { Prisma, type ContainerMove } from '#prisma/generated/client.ts';
import { rowsOfLastTry } from './containers/moveRows.server.ts';
import { isMoveStatus } from './moveViewWords.ts';

export const MOVE_LIST = {
	sort: ['created_at'],
	defaultSort: '-created_at',
	filters: ['status', 'node', 'container']
} satisfies ListSpec;

export interface MoveQuery extends PageRequest {
	/** Looks in the host name, the VMID and the instances' names. */
	q: string;
	sort: { direction: 'asc' | 'desc' };
	/** `node`: the name of one that it leaves or goes to; `container`: an id. */
	filters: { status?: string; node?: string; container?: string };
	/** Of one drain, in the order of its turns. */
	drainId?: string;
}

/** A move as staff see it in lists. */
export interface MoveRow extends ContainerMove {
	container: { vmid: number; hostname: string };
	from: string;
	/** Null: not chosen yet. */
	to: string | null;
	/** Its container is on the node that it leaves, as far as we know. */
	isHere: boolean;
	/** The instances that it moves, by name. */
	tenants: { id: string; slug: string }[];
	/** Nothing begins before. */
	notBefore: Date | null;
}

/** One page of the moves. */
export function listMoves(tx: Tx, query: MoveQuery): Promise<{ rows: MoveRow[]; meta: PageMeta }> {
	const isTurns = query.drainId !== undefined;
	return pageOfRows(
		tx,
		{
			from: Prisma.sql`container_moves AS move JOIN lxc_containers container ON container.id = move.container_id`,
			where: whereOf(query),
			...(isTurns
				? { sortBy: Prisma.sql`move.position`, sortType: 'int8' }
				: { sortBy: Prisma.sql`move.created_at`, sortType: 'timestamptz' }),
			direction: isTurns ? 'asc' : query.sort.direction,
			id: Prisma.sql`move.id`
		},
		query,
		({ in: ids }) => moveRows(tx, ids)
	);
}

/** These moves with the names of what they are about, in no order. */
export async function moveRows(tx: Tx, ids: string[]): Promise<MoveRow[]> {
	const moves = await tx.containerMove.findMany({
		where: { id: { in: ids } },
		include: {
			drain: { select: { notBefore: true } },
			migrations: {
				select: {
					...{ id: true, tenantId: true, jobId: true, status: true, notBefore: true },
					tenant: { select: { id: true, slug: true } }
				},
				orderBy: { tenant: { slug: 'asc' } }
			}
		}
	});
	const containers = await tx.container.findMany({
		where: { id: { in: moves.map(({ containerId }) => containerId) } },
		select: { id: true, vmid: true, hostname: true, nodeId: true }
	});
	const nodes = await tx.node.findMany({
		where: { id: { in: moves.flatMap((move) => [move.fromNodeId, move.toNodeId ?? []].flat()) } },
		select: { id: true, name: true }
	});
	const nameOf = (id: string | null) => nodes.find((node) => node.id === id)?.name ?? null;
	return moves.flatMap(({ drain, migrations, ...move }) => {
		const container = containers.find(({ id }) => id === move.containerId);
		if (!container) return [];
		const its = rowsOfLastTry(move, migrations);
		return {
			...move,
			container: { vmid: container.vmid, hostname: container.hostname },
			from: nameOf(move.fromNodeId) ?? '',
			to: nameOf(move.toNodeId),
			isHere: container.nodeId === move.fromNodeId,
			tenants: its.map(({ tenant }) => tenant),
			notBefore: drain ? drain.notBefore : (its[0]?.notBefore ?? null)
		};
	});
}

function whereOf({ q, filters, drainId }: MoveQuery): Prisma.Sql {
	const conditions = [Prisma.sql`true`];
	if (drainId) conditions.push(Prisma.sql`move.drain_id = ${drainId}::uuid`);
	const { status, node, container } = filters;
	// What is no id finds nothing, rather than everything.
	if (container) conditions.push(Prisma.sql`move.container_id::text = ${container}`);
	if (status && isMoveStatus(status))
		conditions.push(Prisma.sql`move.status = ${status}::move_status`);
	if (node)
		conditions.push(
			Prisma.sql`(move.from_node_id IN (SELECT id FROM proxmox_nodes WHERE name = ${node})
				OR move.to_node_id IN (SELECT id FROM proxmox_nodes WHERE name = ${node}))`
		);
	if (q) {
		const pattern = contains(q);
		conditions.push(
			Prisma.sql`(lower(container.hostname) LIKE ${pattern} OR container.vmid::text LIKE ${pattern} OR EXISTS (
				SELECT FROM tenant_migrations moved JOIN tenant_deployments tenant ON tenant.id = moved.tenant_id
				WHERE moved.container_move_id = move.id AND tenant.subdomain LIKE ${pattern}))`
		);
	}
	return Prisma.join(conditions, ' AND ');
}
