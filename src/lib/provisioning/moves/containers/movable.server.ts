import type { Tx } from '#lib/core/db.server.ts';
import { judgeElsewhere } from '#lib/infrastructure/placement/elsewhere.ts';
import type { Movable } from '#lib/infrastructure/placement/makeRoom.ts';
import type { Candidate } from '#lib/infrastructure/placement/placement.ts';
import { GONE_TENANTS } from '#lib/infrastructure/placement/slots.server.ts';
import { Prisma } from '#prisma/generated/client.ts';
import { busyOf, isAsItShould, moveRefusalOf } from './moveRefusals.server.ts';

/** As many of one size on one node: a way out takes at most six, and something may hold some just now. */
const ALIKE = 8;

/** Those that nothing in their own row speaks against, on nodes that answer: the room of others is nobody's way out. */
const MOVABLE = Prisma.sql`lxc_containers container JOIN proxmox_nodes node ON node.id = container.node_id
	WHERE container.status IN ('running', 'stopped', 'error') AND purpose IN ('odoo', 'shared')
		AND NOT adopted AND NOT retiring AND warm_plan_id IS NULL AND ha_node_id IS NULL
		AND task_upid IS NULL AND move_to_node_id IS NULL
		AND node.status = 'online' AND node.halted_at IS NULL AND node.removed_at IS NULL`;

type Size = Pick<Movable, 'clusterId' | 'ownStorage' | 'cpuCores' | 'ramMb' | 'diskGb'>;
type Row = Omit<Movable, 'containerId'> & Parameters<typeof moveRefusalOf>[0] & { id: string };

/**
 * Containers that would not be refused if their move were asked for now: by the rules of `moveRefusalNow`, a few of each size
 * on each node, of the sizes that some node of their cluster has room for. Where everything is full there are none, and
 * that is known after one question.
 * @param world every node, as placement sees it
 */
export async function movableContainers(tx: Tx, world: Candidate[]): Promise<Movable[]> {
	const all = await tx.$queryRaw<Size[]>`
		SELECT DISTINCT container.cluster_id AS "clusterId", container.storage IS NOT NULL AS "ownStorage",
			container.cpu_cores AS "cpuCores", container.ram_mb AS "ramMb", container.disk_gb AS "diskGb" FROM ${MOVABLE}`;
	const nowhere = { nodeId: '', haNodeId: null };
	const sizes = all.filter((size) => judgeElsewhere(world, { ...size, ...nowhere })[0]?.fits);
	if (sizes.length === 0) return [];
	const rows = await tx.$queryRaw<Row[]>`
		SELECT id, vmid, hostname, cluster_id AS "clusterId", node_id AS "nodeId", ha_node_id AS "haNodeId",
			storage IS NOT NULL AS "ownStorage", cpu_cores AS "cpuCores", ram_mb AS "ramMb", disk_gb AS "diskGb",
			purpose::text, status::text, adopted, retiring, wanted_running AS "wantedRunning", warm_plan_id AS "warmPlanId",
			ARRAY(
				SELECT subdomain FROM tenant_deployments tenant
				WHERE tenant.container_id = ranked.id AND tenant.status::text <> ALL (${[...GONE_TENANTS]})
				ORDER BY subdomain
			) AS tenants
		FROM (
			SELECT container.*, row_number() OVER (
				PARTITION BY node_id, storage, cpu_cores, ram_mb, disk_gb ORDER BY vmid
			) AS nth FROM ${MOVABLE}
				AND EXISTS (
					SELECT FROM jsonb_to_recordset(${JSON.stringify(sizes)}::jsonb)
						AS size("clusterId" uuid, "ownStorage" boolean, "cpuCores" int, "ramMb" int, "diskGb" int)
					WHERE container.cluster_id = "clusterId" AND (container.storage IS NOT NULL) = "ownStorage"
						AND container.cpu_cores = "cpuCores" AND container.ram_mb = "ramMb" AND container.disk_gb = "diskGb"
				)
		) ranked WHERE nth <= ${ALIKE}`;
	const allowed = rows.filter((row) => moveRefusalOf(row) === null && isAsItShould(row));
	const busy = await busyOf(
		tx,
		allowed.map(({ id }) => id)
	);
	return allowed
		.filter(({ id }) => !busy.has(id))
		.map(({ id, ...row }) => ({
			...{ containerId: id, vmid: row.vmid, hostname: row.hostname },
			...{ clusterId: row.clusterId, nodeId: row.nodeId, haNodeId: row.haNodeId },
			...{ cpuCores: row.cpuCores, ramMb: row.ramMb, diskGb: row.diskGb },
			...{ ownStorage: row.ownStorage, tenants: row.tenants }
		}));
}
