import type { Tx } from '#lib/core/db.server.ts';
import { storagesOf, type ClusterSight } from './clusterLook.server.ts';
import type { NodeSight } from './nodeLook.server.ts';

/**
 * Stores the storages of a cluster's nodes as they were just seen, in one statement. One that is away keeps the size that
 * it had; one that is no longer configured goes. What an earlier look saw changes nothing.
 */
export async function keepStorages(tx: Tx, nodes: NodeSight[], sight: ClusterSight): Promise<void> {
	const rows = nodes.flatMap(({ node, at }) =>
		(storagesOf(sight, node.name) ?? []).map((one) => ({
			node_id: node.id,
			storage: one.storage,
			type: one.type,
			content: one.content,
			shared: one.shared,
			active: one.active,
			total_gb: one.totalGb,
			used_gb: one.usedGb,
			seen_at: at
		}))
	);
	if (rows.length === 0) return;
	await tx.$executeRaw`
		INSERT INTO node_storages (node_id, storage, type, content, shared, active, total_gb, used_gb, seen_at)
		SELECT node_id, storage, type, content, shared, active, coalesce(total_gb, 0), coalesce(used_gb, 0), seen_at
		FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS seen(node_id uuid, storage text, type text,
			content text[], shared boolean, active boolean, total_gb float8, used_gb float8, seen_at timestamptz)
		ON CONFLICT (node_id, storage) DO UPDATE
		SET type = EXCLUDED.type, content = EXCLUDED.content, shared = EXCLUDED.shared, active = EXCLUDED.active,
			total_gb = CASE WHEN EXCLUDED.active THEN EXCLUDED.total_gb ELSE node_storages.total_gb END,
			used_gb = CASE WHEN EXCLUDED.active THEN EXCLUDED.used_gb ELSE node_storages.used_gb END,
			seen_at = EXCLUDED.seen_at
		WHERE node_storages.seen_at <= EXCLUDED.seen_at`;
	await tx.$executeRaw`
		DELETE FROM node_storages stored
		USING (SELECT node_id, max(seen_at) AS seen_at
			FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS seen(node_id uuid, seen_at timestamptz)
			GROUP BY node_id) AS look
		WHERE stored.node_id = look.node_id AND stored.seen_at < look.seen_at`;
}
