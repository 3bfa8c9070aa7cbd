import { after, MINUTE, now } from '#lib/core/clock.server.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { Prisma } from '#prisma/generated/client.ts';
import type { NodeStatus } from '#prisma/generated/enums.ts';
import type { Resources } from '../placement/placement.ts';
import { committedByNode, NOTHING } from './committed.server.ts';
import { placingState, readHealth, type Health, type PlacingState } from './health.ts';

/** Measured values older than this are unknown (domain.md §4). */
export const METRIC_MAX_AGE = 15 * MINUTE;

export interface Used {
	/** 0–1 of the node's cores. */
	cpuFraction: number;
	ramMb: number;
	diskGb: number;
	at: Date;
}

/** What a node has, has promised and uses. */
export interface NodeFigures {
	id: string;
	name: string;
	hostname: string;
	clusterId: string;
	clusterName: string;
	region: string;
	status: NodeStatus;
	/** Its state as placement sees it. */
	placing: PlacingState;
	/** It does not answer since then; null while it does. */
	offlineSince: Date | null;
	/** Nothing is sent to it since then. */
	haltedAt: Date | null;
	maintenanceSince: Date | null;
	maintenanceReason: string | null;
	/** As of the last look; null: nobody has looked yet. */
	health: Health | null;
	priority: number;
	proxmoxVersion: string | null;
	lastSeenAt: Date | null;
	capacity: Resources;
	/** Capacity times overcommit. */
	limit: Resources;
	/** Limits of its containers, shared ones, templates and reservations included, and of those that it is to take. */
	committed: Resources;
	containers: number;
	/** Containers elsewhere that it has promised to take: it stands by for them, or they are on their way. */
	expected: number;
	maxContainers: number;
	/** Null: not measured within the last 15 minutes. */
	used: Used | null;
}

/** Every node with its figures, by name; removed ones are none. @param ids of some, and only those */
export async function nodeFigures(tx: Tx, ids?: string[]): Promise<NodeFigures[]> {
	const nodes = await tx.node.findMany({
		where: { removedAt: null, ...(ids ? { id: { in: ids } } : {}) },
		include: { cluster: { select: { name: true, region: true } } },
		orderBy: { name: 'asc' }
	});
	const promised = await committedByNode(tx, ids);
	const used = await latestNodeMetrics(tx, ids);
	return nodes.map((node) => {
		const capacity = {
			cpuCores: node.cpuTotal,
			ramMb: node.ramTotalMb,
			diskGb: node.diskTotalGb
		};
		const { containers, expected, ...committed } = promised.get(node.id) ?? NOTHING;
		return {
			id: node.id,
			name: node.name,
			hostname: node.hostname,
			clusterId: node.clusterId,
			clusterName: node.cluster.name,
			region: node.cluster.region,
			status: node.status,
			placing: placingState(node),
			offlineSince: node.offlineSince,
			haltedAt: node.haltedAt,
			maintenanceSince: node.maintenanceSince,
			maintenanceReason: node.maintenanceReason,
			health: readHealth(node.health),
			priority: node.priority,
			proxmoxVersion: node.proxmoxVersion,
			lastSeenAt: node.lastSeenAt,
			capacity,
			limit: {
				cpuCores: Math.floor(capacity.cpuCores * node.cpuOvercommit.toNumber()),
				ramMb: Math.floor(capacity.ramMb * node.ramOvercommit.toNumber()),
				diskGb: Math.floor(capacity.diskGb * node.diskOvercommit.toNumber())
			},
			...{ committed, containers, expected },
			maxContainers: node.maxContainers,
			used: used.get(node.id) ?? null
		};
	});
}

/** 0–1 of the scarcest measured resource of a node; null when it is not known. */
export function usedFraction({
	used,
	capacity
}: Pick<NodeFigures, 'used' | 'capacity'>): number | null {
	if (!used) return null;
	return Math.max(
		used.cpuFraction,
		fraction(used.ramMb, capacity.ramMb),
		fraction(used.diskGb, capacity.diskGb)
	);
}

export interface ClusterLoad {
	/** 0–1 of the online nodes' capacity; null when a node that is online was not measured in the last 15 minutes. */
	used: { cpu: number; ram: number; disk: number; largest: number; at: Date } | null;
	/** 0–1 of what the online nodes may promise; null without such a node. */
	committed: { cpu: number; ram: number; disk: number; largest: number } | null;
	nodesOnline: number;
	nodes: number;
}

/** Cluster load as of domain.md §4. Without `clusterId`: all clusters together. */
export async function clusterLoad(tx: Tx, clusterId?: string): Promise<ClusterLoad> {
	const nodes = (await nodeFigures(tx)).filter(
		(node) => !clusterId || node.clusterId === clusterId
	);
	const online = nodes.filter((node) => node.status === 'online');
	return {
		used: usedLoad(online),
		committed: online.length > 0 ? committedLoad(online) : null,
		nodesOnline: online.length,
		nodes: nodes.length
	};
}

function usedLoad(online: NodeFigures[]): ClusterLoad['used'] {
	const measured = online.flatMap(({ used, capacity }) => (used ? [{ used, capacity }] : []));
	if (measured.length === 0 || measured.length < online.length) return null;
	const total = (value: (node: (typeof measured)[number]) => number) =>
		measured.reduce((sum, node) => sum + value(node), 0);
	const cpu = fraction(
		total(({ used, capacity }) => used.cpuFraction * capacity.cpuCores),
		total(({ capacity }) => capacity.cpuCores)
	);
	const ram = fraction(
		total(({ used }) => used.ramMb),
		total(({ capacity }) => capacity.ramMb)
	);
	const disk = fraction(
		total(({ used }) => used.diskGb),
		total(({ capacity }) => capacity.diskGb)
	);
	const oldest = Math.min(...measured.map(({ used }) => used.at.getTime()));
	return { cpu, ram, disk, largest: Math.max(cpu, ram, disk), at: new Date(oldest) };
}

function committedLoad(online: NodeFigures[]) {
	const of = (resource: keyof Resources) =>
		fraction(
			online.reduce((sum, { committed }) => sum + committed[resource], 0),
			online.reduce((sum, { limit }) => sum + limit[resource], 0)
		);
	const [cpu, ram, disk] = [of('cpuCores'), of('ramMb'), of('diskGb')];
	return { cpu, ram, disk, largest: Math.max(cpu, ram, disk) };
}

async function latestNodeMetrics(tx: Tx, ids?: string[]): Promise<Map<string, Used>> {
	const wanted = ids ? Prisma.sql`WHERE node.id = ANY(${ids}::uuid[])` : Prisma.empty;
	const since = after(now(), -METRIC_MAX_AGE);
	const rows = await tx.$queryRaw<
		{ node_id: string; recorded_at: Date; cpu_fraction: number; ram_mb: number; disk_gb: number }[]
	>`
		SELECT node.id AS node_id, latest.recorded_at, latest.cpu_fraction, latest.ram_mb, latest.disk_gb
		FROM proxmox_nodes node CROSS JOIN LATERAL (
			SELECT recorded_at, cpu_fraction, ram_mb, disk_gb FROM resource_metrics
			WHERE node_id = node.id AND recorded_at > ${since}
				AND cpu_fraction IS NOT NULL AND ram_mb IS NOT NULL AND disk_gb IS NOT NULL
			ORDER BY recorded_at DESC LIMIT 1
		) latest ${wanted}`;
	return new Map(
		rows.map((row) => [
			row.node_id,
			{
				cpuFraction: row.cpu_fraction,
				ramMb: row.ram_mb,
				diskGb: row.disk_gb,
				at: row.recorded_at
			}
		])
	);
}

function fraction(part: number, whole: number): number {
	return whole > 0 ? part / whole : 1;
}
