import { z } from 'zod';
import type { Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import type { ListSpec } from '#lib/ui/list-query.ts';
import { nodeFigures, type NodeFigures } from '../nodes/figures.server.ts';
import { daysUntilFull, type UntilFull } from './trend.server.ts';

export const NODE_LIST = {
	sort: ['name'],
	defaultSort: 'name',
	filters: ['cluster', 'state'],
	pageSize: 24
} as const satisfies ListSpec;

const cursorSchema = z.tuple([z.string(), z.string()]);

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
	/** From an earlier answer; wins over `page`. */
	cursor?: string | null;
	filters: { cluster?: string; state?: string };
}

/**
 * A page of the nodes that search and filters leave, by cluster and name, and the clusters that there are.
 * @throws {AppError} BAD_INPUT for a cursor that this list did not give
 */
export async function nodeCards(tx: Tx, query: NodeQuery) {
	const { q, page, pageSize, filters } = query;
	const after = query.cursor ? decode(query.cursor) : null;
	const all = (await nodeFigures(tx)).map((node) => ({ ...node, isFull: isFull(node) }));
	const wanted = q.toLowerCase();
	const matching = all
		.filter(({ name, hostname }) => `${name} ${hostname}`.toLowerCase().includes(wanted))
		.filter(({ clusterName }) => !filters.cluster || clusterName === filters.cluster)
		.filter((node) => !filters.state || statesOf(node).some((state) => state === filters.state))
		.sort(byPlace);
	const rest = after
		? matching.filter((node) => byPlace(node, after) > 0)
		: matching.slice((page - 1) * pageSize);
	const shown = rest.slice(0, pageSize);
	const until = await daysUntilFull(tx);
	const tenants = await tenantsByNode(tx);
	const rows: NodeCard[] = shown.map((node) => ({
		...node,
		untilFull: until.get(node.id) ?? { disk: null, ram: null },
		tenants: tenants.get(node.id) ?? 0
	}));
	const last = shown.at(-1);
	const next = rest.length > shown.length && last ? encode(last) : null;
	const meta = { total: matching.length, totalEstimate: null, page, pageSize, next };
	return { rows, meta, clusters: [...new Set(all.map(({ clusterName }) => clusterName))].sort() };
}

function isFull({ committed, limit, containers, expected, maxContainers }: NodeFigures): boolean {
	return (
		committed.cpuCores >= limit.cpuCores ||
		committed.ramMb >= limit.ramMb ||
		committed.diskGb >= limit.diskGb ||
		containers + expected >= maxContainers
	);
}

/** Every state that a node is in, as the list is filtered by them. */
export function statesOf({
	status,
	placing,
	isFull: full
}: NodeFigures & { isFull: boolean }): (typeof NODE_STATES)[number][] {
	return [
		status,
		...(placing === 'unwell' ? (['unwell'] as const) : []),
		...(full ? (['full'] as const) : [])
	];
}

async function tenantsByNode(tx: Tx): Promise<Map<string, number>> {
	const rows = await tx.$queryRaw<{ nodeId: string; tenants: number }[]>`
		SELECT container.node_id AS "nodeId", count(*)::int AS tenants
		FROM lxc_containers container JOIN tenant_deployments tenant ON tenant.container_id = container.id
		WHERE container.status <> 'deleted' AND tenant.status NOT IN ('deleted', 'refunded')
		GROUP BY 1`;
	return new Map(rows.map(({ nodeId, tenants }) => [nodeId, tenants]));
}

/** Where a node stands in the list; a node that is gone meanwhile still says where to go on. */
type Place = Pick<NodeFigures, 'clusterName' | 'name'>;

function byPlace(one: Place, other: Place): number {
	return order(one.clusterName, other.clusterName) || order(one.name, other.name);
}

function encode({ clusterName, name }: Place): string {
	return Buffer.from(JSON.stringify([clusterName, name])).toString('base64url');
}

function decode(cursor: string): Place {
	try {
		const [clusterName, name] = cursorSchema.parse(
			JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
		);
		return { clusterName, name };
	} catch {
		// It was no cursor of ours at all.
		throw new AppError('BAD_INPUT', { fields: { cursor: new AppError('BAD_INPUT').sentence } });
	}
}

function order(one: string, other: string): number {
	return one.localeCompare(other, 'es', { numeric: true });
}
