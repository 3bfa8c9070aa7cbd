import type { Tx } from '#lib/core/db.server.ts';
import type { ListSpec } from '#lib/ui/list-query.ts';
import { nodeFigures, type NodeFigures } from '../nodes/figures.server.ts';
import { daysUntilFull, type UntilFull } from './trend.server.ts';

export const NODE_LIST = {
	sort: ['name'],
	defaultSort: 'name',
	filters: ['cluster', 'state'],
	pageSize: 24
} as const satisfies ListSpec;

/** `full` is derived: nothing more fits of one resource, whatever else it is. */
export const NODE_STATES = ['online', 'offline', 'maintenance', 'unwell', 'full'] as const;

export interface NodeCard extends NodeFigures {
	untilFull: UntilFull;
	/** Instances on it. */
	tenants: number;
	isFull: boolean;
}

export interface NodeQuery {
	/** Looks in the name and the host. */
	q: string;
	page: number;
	pageSize: number;
	filters: { cluster?: string; state?: string };
}

/** A page of the nodes that search and filters leave, by cluster and name, and the clusters that there are. */
export async function nodeCards(tx: Tx, { q, page, pageSize, filters }: NodeQuery) {
	const all = (await nodeFigures(tx)).map((node) => ({ ...node, isFull: isFull(node) }));
	const wanted = q.toLowerCase();
	const matching = all
		.filter(({ name, hostname }) => `${name} ${hostname}`.toLowerCase().includes(wanted))
		.filter(({ clusterName }) => !filters.cluster || clusterName === filters.cluster)
		.filter((node) => !filters.state || isIn(node, filters.state))
		.sort((one, other) => order(one.clusterName, other.clusterName) || order(one.name, other.name));
	const shown = matching.slice((page - 1) * pageSize, page * pageSize);
	const until = await daysUntilFull(tx);
	const tenants = await tenantsByNode(tx);
	const rows: NodeCard[] = shown.map((node) => ({
		...node,
		untilFull: until.get(node.id) ?? { disk: null, ram: null },
		tenants: tenants.get(node.id) ?? 0
	}));
	const meta = { total: matching.length, totalEstimate: null, page, pageSize, next: null };
	return { rows, meta, clusters: [...new Set(all.map(({ clusterName }) => clusterName))].sort() };
}

function isFull({ committed, limit, containers, maxContainers }: NodeFigures): boolean {
	return (
		committed.cpuCores >= limit.cpuCores ||
		committed.ramMb >= limit.ramMb ||
		committed.diskGb >= limit.diskGb ||
		containers >= maxContainers
	);
}

function isIn(node: NodeFigures & { isFull: boolean }, state: string): boolean {
	if (state === 'full') return node.isFull;
	return state === 'unwell' ? node.placing === 'unwell' : node.status === state;
}

async function tenantsByNode(tx: Tx): Promise<Map<string, number>> {
	const rows = await tx.$queryRaw<{ nodeId: string; tenants: number }[]>`
		SELECT container.node_id AS "nodeId", count(*)::int AS tenants
		FROM lxc_containers container JOIN tenant_deployments tenant ON tenant.container_id = container.id
		WHERE container.status <> 'deleted' AND tenant.status NOT IN ('deleted', 'refunded')
		GROUP BY 1`;
	return new Map(rows.map(({ nodeId, tenants }) => [nodeId, tenants]));
}

function order(one: string, other: string): number {
	return one.localeCompare(other, 'es', { numeric: true });
}
