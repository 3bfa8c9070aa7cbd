import type { Tx } from '#lib/core/db.server.ts';
import { Prisma } from '#prisma/generated/client.ts';
import type { Resources } from '../placement/placement.ts';

/** What a node has promised. */
export interface Committed extends Resources {
	/** That are there, reservations included. */
	containers: number;
	/** Of other nodes that it takes over when theirs dies, and that are on their way to it. */
	expected: number;
}

export const NOTHING: Committed = {
	cpuCores: 0,
	ramMb: 0,
	diskGb: 0,
	containers: 0,
	expected: 0
};

/**
 * What every node has promised, by its id: the limits of its containers, of those that it stands by for, and of those that
 * a move is bringing, each once. A disk counts where it is on the cluster's own storage; the others have room of their own.
 * @param ids of some, and only those
 */
export async function committedByNode(tx: Tx, ids?: string[]): Promise<Map<string, Committed>> {
	const of = (column: Prisma.Sql) =>
		ids ? Prisma.sql`${column} = ANY(${ids}::uuid[])` : Prisma.sql`${column} IS NOT NULL`;
	const node = Prisma.sql`node_id`;
	const standby = Prisma.sql`ha_node_id`;
	const target = Prisma.sql`move_to_node_id`;
	const limits = Prisma.sql`cpu_cores, ram_mb, CASE WHEN storage IS NULL THEN disk_gb ELSE 0 END AS disk_gb`;
	const rows = await tx.$queryRaw<(Committed & { id: string })[]>`
		SELECT id, sum(cpu_cores)::int AS "cpuCores", sum(ram_mb)::int AS "ramMb", sum(disk_gb)::int AS "diskGb",
			count(*) FILTER (WHERE here)::int AS containers, count(*) FILTER (WHERE NOT here)::int AS expected
		FROM (
			SELECT ${node} AS id, true AS here, ${limits} FROM lxc_containers WHERE status <> 'deleted' AND ${of(node)}
			UNION ALL
			SELECT ${standby}, false, ${limits} FROM lxc_containers
			WHERE status <> 'deleted' AND ${of(standby)} AND ${standby} <> ${node}
			UNION ALL
			SELECT ${target}, false, ${limits} FROM lxc_containers
			WHERE status <> 'deleted' AND ${of(target)} AND ${target} <> ${node} AND ${target} IS DISTINCT FROM ${standby}
		) promised
		GROUP BY id`;
	return new Map(rows.map(({ id, ...committed }) => [id, committed]));
}
