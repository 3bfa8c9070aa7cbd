import type { Tx } from '#lib/core/db.server.ts';
import type { ContainerStatus } from '#prisma/generated/enums.ts';
import { placingState } from '../nodes/health.ts';
import { nodeFigures, usedFraction } from '../nodes/figures.server.ts';
import type { Candidate, SharedCandidate } from './placement.ts';
import type { ClusterRoom } from './rooms.server.ts';

/** Tenants in these states hold no slot. */
export const GONE_TENANTS = ['deleted', 'refunded'] as const;

/** Every node with what placement must know about it. */
export async function candidates(
	tx: Tx,
	rooms: ReadonlyMap<string, ClusterRoom>
): Promise<Candidate[]> {
	const nodes = await nodeFigures(tx);
	return nodes.map((node) => ({
		nodeId: node.id,
		name: node.name,
		clusterId: node.clusterId,
		region: node.region,
		status: node.placing,
		limit: node.limit,
		committed: node.committed,
		containers: node.containers,
		maxContainers: node.maxContainers,
		usedFraction: usedFraction(node),
		priority: node.priority,
		freeAddresses: rooms.get(node.clusterId)?.freeAddresses ?? 0,
		freeVmids: rooms.get(node.clusterId)?.freeVmids ?? 0,
		hasTemplate: rooms.get(node.clusterId)?.hasTemplate ?? false
	}));
}

/** Every shared container that exists, with the slots that are taken. */
export async function sharedCandidates(tx: Tx): Promise<SharedCandidate[]> {
	const rows = await tx.container.findMany({
		where: { purpose: 'shared', status: { not: 'deleted' } },
		include: {
			node: {
				select: {
					...{ status: true, haltedAt: true, misses: true, health: true },
					cluster: { select: { region: true } }
				}
			},
			_count: { select: { tenants: { where: { status: { notIn: [...GONE_TENANTS] } } } } }
		}
	});
	return rows.map((row) => ({
		containerId: row.id,
		vmid: row.vmid,
		nodeId: row.nodeId,
		clusterId: row.clusterId,
		region: row.node.cluster.region,
		nodeStatus: placingState(row.node),
		status: row.status satisfies ContainerStatus,
		retiring: row.retiring,
		slots: row.slots,
		taken: row._count.tenants
	}));
}
