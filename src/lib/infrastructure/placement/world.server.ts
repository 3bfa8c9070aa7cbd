import type { Tx } from '#lib/core/db.server.ts';
import type { ContainerStatus } from '#prisma/generated/enums.ts';
import { placingState } from '../nodes/health.ts';
import { nodeFigures, usedFraction } from '../nodes/figures.server.ts';
import { haStorages, templateNodes } from './haStorages.server.ts';
import type { Candidate, SharedCandidate } from './placement.ts';

import type { ClusterRoom } from './rooms.server.ts';
import { GONE_TENANTS, slotsOfMoves } from './slots.server.ts';

/** Every node with what placement must know about it. */
export async function candidates(
	tx: Tx,
	rooms: ReadonlyMap<string, ClusterRoom>
): Promise<Candidate[]> {
	const nodes = await nodeFigures(tx);
	const storages = await haStorages(tx);
	const templates = await templateNodes(tx);
	return nodes.map((node) => ({
		nodeId: node.id,
		name: node.name,
		clusterId: node.clusterId,
		region: node.region,
		status: node.placing,
		limit: node.limit,
		committed: node.committed,
		containers: node.containers + node.expected,
		maxContainers: node.maxContainers,
		usedFraction: usedFraction(node),
		priority: node.priority,
		freeAddresses: rooms.get(node.clusterId)?.freeAddresses ?? 0,
		freeVmids: rooms.get(node.clusterId)?.freeVmids ?? 0,
		hasTemplate: rooms.get(node.clusterId)?.hasTemplate ?? false,
		ha: {
			hasRules: hasHaRules(node.proxmoxVersion),
			hasTemplate: templates.has(node.id),
			storages: storages.get(node.id) ?? []
		}
	}));
}

/** Of what a node says it runs; unknown counts as yes, since Proxmox itself refuses what it does not know. */
function hasHaRules(version: string | null): boolean {
	const major = Number.parseInt(version ?? '', 10);
	return Number.isNaN(major) || major >= 9;
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
	const held = await slotsOfMoves(tx);
	return rows.map((row) => ({
		containerId: row.id,
		vmid: row.vmid,
		nodeId: row.nodeId,
		clusterId: row.clusterId,
		region: row.node.cluster.region,
		nodeStatus: placingState(row.node),
		status: row.status satisfies ContainerStatus,
		// One that is on its way to another node takes nobody in.
		retiring: row.retiring || row.moveToNodeId !== null,
		warm: row.warmPlanId !== null,
		slots: row.slots,
		taken: row._count.tenants + (held.get(row.id) ?? 0),
		odooVersion: row.odooVersion
	}));
}
