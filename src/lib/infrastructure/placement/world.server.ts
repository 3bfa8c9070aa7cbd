import type { Tx } from '#lib/core/db.server.ts';
import type { ContainerStatus } from '#prisma/generated/enums.ts';
import { placingState, type PlacingState } from '../nodes/health.ts';
import { nodeFigures, usedFraction, type NodeFigures } from '../nodes/figures.server.ts';
import { haStorages, templateNodes } from './haStorages.server.ts';
import type { Candidate, Resources, SharedCandidate } from './placement.ts';
import { clusterRooms, type ClusterRoom } from './rooms.server.ts';
import { GONE_TENANTS, slotsOfMoves } from './slots.server.ts';

/** What one look at all clusters saw, for several questions about it. */
export interface World {
	rooms: ReadonlyMap<string, ClusterRoom>;
	nodes: Candidate[];
	/** What each node has, by its id. */
	capacity: ReadonlyMap<string, Resources>;
}

/** Reads what a placement would judge now; takes nothing and asks no Proxmox. */
export async function readWorld(tx: Tx): Promise<World> {
	const rooms = await clusterRooms(tx, new Map());
	const figures = await nodeFigures(tx);
	return {
		rooms,
		nodes: await candidates(tx, rooms, figures),
		capacity: new Map(figures.map(({ id, capacity }) => [id, capacity]))
	};
}

/** Every node with what placement must know about it. @param figures where they are known already */
export async function candidates(
	tx: Tx,
	rooms: ReadonlyMap<string, ClusterRoom>,
	figures?: NodeFigures[]
): Promise<Candidate[]> {
	const nodes = figures ?? (await nodeFigures(tx));
	const storages = await haStorages(tx);
	const templates = await templateNodes(tx);
	return nodes.map((node) => ({
		nodeId: node.id,
		name: node.name,
		clusterId: node.clusterId,
		region: node.region,
		status: stateIn(rooms, node.clusterId, node.placing),
		limit: node.limit,
		committed: node.committed,
		containers: node.containers + node.expected,
		maxContainers: node.maxContainers,
		usedFraction: usedFraction(node),
		priority: node.priority,
		freeAddresses: rooms.get(node.clusterId)?.freeAddresses ?? 0,
		freeVmids: rooms.get(node.clusterId)?.freeVmids ?? 0,
		hasTemplate: rooms.get(node.clusterId)?.hasTemplate ?? false,
		databases: rooms.get(node.clusterId)?.databases,
		ha: {
			hasRules: hasHaRules(node.proxmoxVersion),
			hasTemplate: templates.has(node.id),
			storages: storages.get(node.id) ?? []
		}
	}));
}

/** Nothing new goes where the whole cluster says nothing, however well the node was at the last look. */
function stateIn(
	rooms: ReadonlyMap<string, ClusterRoom>,
	clusterId: string,
	state: PlacingState
): Candidate['status'] {
	return state === 'online' && rooms.get(clusterId)?.isSilent ? 'silent' : state;
}

/** Of what a node says it runs; unknown counts as yes, since Proxmox itself refuses what it does not know. */
function hasHaRules(version: string | null): boolean {
	const major = Number.parseInt(version ?? '', 10);
	return Number.isNaN(major) || major >= 9;
}

/** Every shared container that exists, with the slots that are taken. */
export async function sharedCandidates(
	tx: Tx,
	rooms: ReadonlyMap<string, ClusterRoom> = new Map()
): Promise<SharedCandidate[]> {
	const rows = await tx.container.findMany({
		where: { purpose: 'shared', status: { not: 'deleted' } },
		include: {
			node: {
				select: {
					...{ status: true, haltedAt: true, misses: true, health: true },
					cluster: { select: { region: true } }
				}
			},
			postgres: { select: { status: true } },
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
		nodeStatus: stateIn(rooms, row.clusterId, placingState(row.node)),
		// Without its databases it takes nobody.
		status: (row.postgres?.status === 'running'
			? row.status
			: (row.postgres?.status ?? row.status)) satisfies ContainerStatus,
		// One that is on its way to another node takes nobody in.
		retiring: row.retiring || row.moveToNodeId !== null,
		warm: row.warmPlanId !== null,
		slots: row.slots,
		taken: row._count.tenants + (held.get(row.id) ?? 0),
		odooVersion: row.odooVersion
	}));
}
