import type { Tx } from '#lib/core/db.server.ts';
import type { HaStorage } from './placement.ts';

/**
 * The storages of every node from which another one can go on with a container, by node, as of the last look: those that
 * nodes share, and those of ZFS, which Proxmox replicates. The cluster's own comes first, shared ones before the others.
 */
export async function haStorages(tx: Tx): Promise<Map<string, HaStorage[]>> {
	const rows = await tx.$queryRaw<(HaStorage & { nodeId: string })[]>`
		SELECT stored.node_id AS "nodeId", stored.storage, stored.shared, stored.storage = cluster.rootfs_storage AS own,
			greatest(0, floor(stored.total_gb - greatest(stored.used_gb, coalesce(promised.gb, 0))))::int AS "freeGb"
		FROM node_storages stored
		JOIN proxmox_nodes node ON node.id = stored.node_id AND node.removed_at IS NULL
		JOIN proxmox_clusters cluster ON cluster.id = node.cluster_id
		LEFT JOIN LATERAL (
			SELECT sum(container.disk_gb) AS gb FROM lxc_containers container
			WHERE container.storage = stored.storage AND container.status <> 'deleted'
				AND stored.node_id IN (container.node_id, container.ha_node_id, container.move_to_node_id)
		) promised ON true
		WHERE stored.active AND 'rootdir' = ANY (stored.content) AND (stored.shared OR stored.type = 'zfspool')
		ORDER BY own DESC, stored.shared DESC, stored.storage`;
	const byNode = new Map<string, HaStorage[]>();
	for (const { nodeId, ...storage } of rows) {
		byNode.set(nodeId, [...(byNode.get(nodeId) ?? []), storage]);
	}
	return byNode;
}

/** The nodes on which the current template of their cluster lies. */
export async function templateNodes(tx: Tx): Promise<Set<string>> {
	const rows = await tx.template.findMany({
		where: { current: true, status: 'ready' },
		select: { container: { select: { nodeId: true } } }
	});
	return new Set(rows.map(({ container }) => container.nodeId));
}
