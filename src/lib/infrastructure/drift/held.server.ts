import type { Tx } from '#lib/core/db.server.ts';

/**
 * Containers of a cluster that a run or an act is at work on: what is seen of them may be otherwise in a moment, and is
 * theirs to put right.
 */
export async function heldContainers(tx: Tx, clusterId: string): Promise<Set<string>> {
	const rows = await tx.$queryRaw<{ id: string }[]>`
		SELECT container.id FROM lxc_containers container
		WHERE container.cluster_id = ${clusterId}::uuid AND container.status <> 'deleted' AND (
			container.status = 'provisioning' OR container.retiring OR container.task_upid IS NOT NULL
			OR container.move_to_node_id IS NOT NULL
			OR EXISTS (SELECT 1 FROM container_acts act
				WHERE act.container_id = container.id AND act.status IN ('queued', 'running'))
			OR EXISTS (SELECT 1 FROM tenant_migrations move
				WHERE move.status = 'running' AND container.id IN (move.from_container_id, move.to_container_id))
			OR EXISTS (SELECT 1 FROM tenant_deployments tenant
				WHERE tenant.container_id = container.id AND tenant.status = 'migrating'))`;
	return new Set(rows.map(({ id }) => id));
}
