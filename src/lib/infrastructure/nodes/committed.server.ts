import type { Tx } from '#lib/core/db.server.ts';
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
 */
export async function committedByNode(tx: Tx): Promise<Map<string, Committed>> {
	const rows = await tx.$queryRaw<(Committed & { id: string })[]>`
		SELECT promised.node_id AS id, sum(container.cpu_cores)::int AS "cpuCores", sum(container.ram_mb)::int AS "ramMb",
			coalesce(sum(container.disk_gb) FILTER (WHERE container.storage IS NULL), 0)::int AS "diskGb",
			count(*) FILTER (WHERE promised.node_id = container.node_id)::int AS containers,
			count(*) FILTER (WHERE promised.node_id <> container.node_id)::int AS expected
		FROM lxc_containers container
		CROSS JOIN LATERAL (
			SELECT DISTINCT node_id FROM unnest(ARRAY[container.node_id, container.ha_node_id, container.move_to_node_id])
				AS node(node_id) WHERE node_id IS NOT NULL
		) promised
		WHERE container.status <> 'deleted'
		GROUP BY promised.node_id`;
	return new Map(rows.map(({ id, ...committed }) => [id, committed]));
}
