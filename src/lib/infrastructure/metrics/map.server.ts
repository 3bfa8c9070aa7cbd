import type { Tx } from '#lib/core/db.server.ts';
import type { ContainerPurpose, ContainerStatus, NodeStatus } from '#prisma/generated/enums.ts';
import { nodeFigures } from '../nodes/figures.server.ts';

/** More cells than these nobody reads, and a browser takes long over them: then each node has a bar of its states. */
const MOST_CELLS = 1_000;

/** A container in the map. */
export interface MapCell {
	id: string;
	vmid: number;
	hostname: string;
	status: ContainerStatus;
	purpose: ContainerPurpose;
	ramMb: number;
	tenants: number;
}

export interface MapNode {
	id: string;
	name: string;
	status: NodeStatus;
	isUnwell: boolean;
	/** Promised and to be promised. */
	ramMb: { committed: number; limit: number };
	/** How many containers are in each state. */
	counts: { status: ContainerStatus; count: number }[];
	/** Null: there are too many of them to show each. */
	cells: MapCell[] | null;
}

export interface ClusterMap {
	clusters: { id: string; name: string; region: string; nodes: MapNode[] }[];
	/** Of all clusters, whichever are shown. */
	names: string[];
	/** Of how many containers; they are shown as bars where that is too many. */
	containers: number;
}

/** Clusters, their nodes, and what lives on them. @param cluster of one, by its name */
export async function clusterMap(tx: Tx, cluster?: string): Promise<ClusterMap> {
	const all = await nodeFigures(tx);
	const nodes = all.filter(({ clusterName }) => !cluster || clusterName === cluster);
	const containers = nodes.reduce((sum, node) => sum + node.containers, 0);
	const ids = nodes.map(({ id }) => id);
	const counts = Map.groupBy(await countStates(tx, ids), ({ nodeId }) => nodeId);
	const cells =
		containers > MOST_CELLS ? null : Map.groupBy(await readCells(tx, ids), ({ nodeId }) => nodeId);
	const clusters = Map.groupBy(nodes, ({ clusterId }) => clusterId);
	return {
		containers,
		names: [...new Set(all.map(({ clusterName }) => clusterName))].sort(),
		clusters: [...clusters].map(([id, members]) => ({
			id,
			name: members[0]!.clusterName,
			region: members[0]!.region,
			nodes: members.map((node) => ({
				id: node.id,
				name: node.name,
				status: node.status,
				isUnwell: node.placing === 'unwell',
				ramMb: { committed: node.committed.ramMb, limit: node.limit.ramMb },
				counts: (counts.get(node.id) ?? []).map(({ status, count }) => ({ status, count })),
				cells: cells && (cells.get(node.id) ?? []).map(({ nodeId: _, ...cell }) => cell)
			}))
		}))
	};
}

function countStates(tx: Tx, nodeIds: string[]) {
	return tx.$queryRaw<{ nodeId: string; status: ContainerStatus; count: number }[]>`
		SELECT node_id AS "nodeId", status, count(*)::int AS count FROM lxc_containers
		WHERE node_id = ANY(${nodeIds}::uuid[]) AND status <> 'deleted' GROUP BY 1, 2 ORDER BY 1, 2`;
}

function readCells(tx: Tx, nodeIds: string[]) {
	return tx.$queryRaw<(MapCell & { nodeId: string })[]>`
		SELECT container.id, container.node_id AS "nodeId", container.vmid, container.hostname, container.status,
			container.purpose, container.ram_mb AS "ramMb",
			(SELECT count(*)::int FROM tenant_deployments tenant
				WHERE tenant.container_id = container.id AND tenant.status NOT IN ('deleted', 'refunded')) AS tenants
		FROM lxc_containers container
		WHERE container.node_id = ANY(${nodeIds}::uuid[]) AND container.status <> 'deleted'
		ORDER BY container.ram_mb DESC, container.vmid`;
}
