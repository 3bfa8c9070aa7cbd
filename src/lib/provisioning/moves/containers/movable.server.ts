import type { Tx } from '#lib/core/db.server.ts';
import type { Movable } from '#lib/infrastructure/placement/makeRoom.ts';
import { GONE_TENANTS } from '#lib/infrastructure/placement/slots.server.ts';
import { busyOf, isAsItShould, moveRefusalOf } from './moveRefusals.server.ts';

/**
 * Every container that would not be refused if its move were asked for now, whatever the target: by the rules of
 * `moveRefusalNow`, in three questions for all. Without those of nodes that do not answer: their room is nobody's way out.
 */
export async function movableContainers(tx: Tx): Promise<Movable[]> {
	const rows = await tx.container.findMany({
		where: {
			status: { in: ['running', 'stopped', 'error'] },
			node: { status: 'online', haltedAt: null, removedAt: null }
		},
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
