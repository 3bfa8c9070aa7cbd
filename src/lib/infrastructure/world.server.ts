import type { Tx } from '#lib/core/db.server.ts';
import type { ContainerStatus } from '#prisma/generated/enums.ts';
import { poolSize } from './addresses.ts';
import { nodeFigures, usedFraction } from './figures.server.ts';
import type { Candidate, SharedCandidate } from './placement.ts';

/** Tenants in these states hold no slot. */
export const GONE_TENANTS = ['deleted', 'refunded'] as const;

/** VMIDs that a cluster says are taken, by cluster id; a cluster that did not answer is absent. */
export type TakenVmids = ReadonlyMap<string, ReadonlySet<number>>;

/** Every node with what placement must know about it. */
export async function candidates(tx: Tx, taken: TakenVmids): Promise<Candidate[]> {
	const [nodes, clusters, live] = [
		await nodeFigures(tx),
		await tx.cluster.findMany({ include: { pools: { include: { _count: true } } } }),
		await tx.container.findMany({
			where: { status: { not: 'deleted' } },
			select: { clusterId: true, vmid: true }
		})
	];
	const room = new Map(
		clusters.map((cluster) => {
			const used = new Set(taken.get(cluster.id));
			for (const { clusterId, vmid } of live) if (clusterId === cluster.id) used.add(vmid);
			const inRange = [...used].filter(
				(vmid) => vmid >= cluster.vmidMin && vmid <= cluster.vmidMax
			);
			return [
				cluster.id,
				{
					freeVmids: cluster.vmidMax - cluster.vmidMin + 1 - inRange.length,
					freeAddresses: cluster.pools.reduce(
						(sum, pool) => sum + poolSize(pool) - pool._count.addresses,
						0
					)
				}
			];
		})
	);
	return nodes.map((node) => ({
		nodeId: node.id,
		name: node.name,
		clusterId: node.clusterId,
		region: node.region,
		status: node.status,
		limit: node.limit,
		committed: node.committed,
		containers: node.containers,
		maxContainers: node.maxContainers,
		usedFraction: usedFraction(node),
		priority: node.priority,
		freeAddresses: room.get(node.clusterId)?.freeAddresses ?? 0,
		freeVmids: room.get(node.clusterId)?.freeVmids ?? 0
	}));
}

/** Every shared container that exists, with the slots that are taken. */
export async function sharedCandidates(tx: Tx): Promise<SharedCandidate[]> {
	const rows = await tx.container.findMany({
		where: { purpose: 'shared', status: { not: 'deleted' } },
		include: {
			node: { select: { status: true, cluster: { select: { region: true } } } },
			_count: { select: { tenants: { where: { status: { notIn: [...GONE_TENANTS] } } } } }
		}
	});
	return rows.map((row) => ({
		containerId: row.id,
		vmid: row.vmid,
		nodeId: row.nodeId,
		clusterId: row.clusterId,
		region: row.node.cluster.region,
		nodeStatus: row.node.status,
		status: row.status satisfies ContainerStatus,
		retiring: row.retiring,
		slots: row.slots,
		taken: row._count.tenants
	}));
}
