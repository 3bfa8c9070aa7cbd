import type { Tx } from '#lib/core/db.server.ts';
import type { Movable } from '#lib/infrastructure/placement/makeRoom.ts';
import { GONE_TENANTS } from '#lib/infrastructure/placement/slots.server.ts';
import { busyOf, isAsItShould, moveRefusalOf } from './moveRefusals.server.ts';

/** As many of one size on one node: a way out takes at most six, and something may hold some just now. */
const ALIKE = 8;

type Row = Omit<Movable, 'containerId' | 'ownStorage'> &
	Parameters<typeof moveRefusalOf>[0] & { id: string; storage: string | null };

/**
 * Containers that would not be refused if their move were asked for now, whatever the target: by the rules of
 * `moveRefusalNow`, a few of each size on each node, in two questions for all. Without those of nodes that do not
 * answer: their room is nobody's way out.
 */
export async function movableContainers(tx: Tx): Promise<Movable[]> {
	const rows = await tx.$queryRaw<Row[]>`
		SELECT id, vmid, hostname, cluster_id AS "clusterId", node_id AS "nodeId", ha_node_id AS "haNodeId", storage,
			cpu_cores AS "cpuCores", ram_mb AS "ramMb", disk_gb AS "diskGb", purpose::text, status::text, adopted, retiring,
			wanted_running AS "wantedRunning", warm_plan_id AS "warmPlanId",
			ARRAY(
				SELECT subdomain FROM tenant_deployments tenant
				WHERE tenant.container_id = ranked.id AND tenant.status::text <> ALL (${[...GONE_TENANTS]})
				ORDER BY subdomain
			) AS tenants
		FROM (
			SELECT container.*, row_number() OVER (
				PARTITION BY node_id, ha_node_id, storage, cpu_cores, ram_mb, disk_gb ORDER BY vmid
			) AS nth
			FROM lxc_containers container JOIN proxmox_nodes node ON node.id = container.node_id
			WHERE container.status IN ('running', 'stopped', 'error') AND purpose IN ('odoo', 'shared')
				AND NOT adopted AND NOT retiring AND warm_plan_id IS NULL
				AND task_upid IS NULL AND move_to_node_id IS NULL
				AND node.status = 'online' AND node.halted_at IS NULL AND node.removed_at IS NULL
		) ranked WHERE nth <= ${ALIKE}`;
	const allowed = rows.filter((row) => moveRefusalOf(row) === null && isAsItShould(row));
	const busy = await busyOf(
		tx,
		allowed.map(({ id }) => id)
	);
	return allowed
		.filter(({ id }) => !busy.has(id))
		.map(({ id, storage, ...row }) => ({
			...{ containerId: id, vmid: row.vmid, hostname: row.hostname },
			...{ clusterId: row.clusterId, nodeId: row.nodeId, haNodeId: row.haNodeId },
			...{ cpuCores: row.cpuCores, ramMb: row.ramMb, diskGb: row.diskGb },
			...{ ownStorage: storage !== null, tenants: row.tenants }
		}));
}
