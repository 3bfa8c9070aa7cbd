import type { Tx } from '#lib/core/db.server.ts';
import type { Movable } from '#lib/infrastructure/placement/makeRoom.ts';
import { GONE_TENANTS } from '#lib/infrastructure/placement/slots.server.ts';
import { busyOf, isAsItShould, moveRefusalOf } from './moveRefusals.server.ts';

/** As many of one size on one node: a way out takes at most half of them, and some may be held by something just now. */
const ALIKE = 12;

/**
 * Containers that would not be refused if their move were asked for now, whatever the target: by the rules of
 * `moveRefusalNow`, a dozen of each size on each node, in a few questions for all. Without those of nodes that do not
 * answer: their room is nobody's way out.
 */
export async function movableContainers(tx: Tx): Promise<Movable[]> {
	const alike = await tx.$queryRaw<{ id: string }[]>`
		SELECT id FROM (
			SELECT container.id, row_number() OVER (
				PARTITION BY node_id, ha_node_id, storage, cpu_cores, ram_mb, disk_gb ORDER BY vmid
			) AS nth
			FROM lxc_containers container JOIN proxmox_nodes node ON node.id = container.node_id
			WHERE container.status IN ('running', 'stopped', 'error') AND purpose IN ('odoo', 'shared')
				AND NOT adopted AND NOT retiring AND warm_plan_id IS NULL
				AND task_upid IS NULL AND move_to_node_id IS NULL
				AND node.status = 'online' AND node.halted_at IS NULL AND node.removed_at IS NULL
		) ranked WHERE nth <= ${ALIKE}`;
	const rows = await tx.container.findMany({
		where: { id: { in: alike.map(({ id }) => id) } },
		select: {
			...{ id: true, vmid: true, hostname: true, clusterId: true, nodeId: true, haNodeId: true },
			...{ storage: true, cpuCores: true, ramMb: true, diskGb: true },
			...{ purpose: true, status: true, adopted: true, retiring: true, wantedRunning: true },
			warmPlanId: true,
			tenants: {
				where: { status: { notIn: [...GONE_TENANTS] } },
				select: { slug: true },
				orderBy: { slug: 'asc' }
			}
		}
	});
	const allowed = rows.filter((row) => moveRefusalOf(row) === null && isAsItShould(row));
	const busy = await busyOf(
		tx,
		allowed.map(({ id }) => id)
	);
	return allowed
		.filter(({ id }) => !busy.has(id))
		.map(({ id, storage, tenants, ...row }) => ({
			...{ containerId: id, vmid: row.vmid, hostname: row.hostname },
			...{ clusterId: row.clusterId, nodeId: row.nodeId, haNodeId: row.haNodeId },
			...{ cpuCores: row.cpuCores, ramMb: row.ramMb, diskGb: row.diskGb },
			ownStorage: storage !== null,
			tenants: tenants.map(({ slug }) => slug)
		}));
}
