import { Prisma, type Tunnel, type TunnelChangeKind } from '#prisma/generated/client.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { contains, inOrder, pageOfIds, type PageMeta } from '#lib/core/paging.server.ts';
import type { ListQuery, ListSpec } from '#lib/ui/list-query.ts';
import { DRIFT_KIND } from './tunnelDrift.server.ts';
import { connectorsOf, type KeptConnector } from './tunnelConnectors.ts';

export const TUNNEL_LIST = {
	sort: ['name', 'created_at'],
	defaultSort: 'name',
	filters: ['status', 'state']
} as const satisfies ListSpec;

const SORTS: Record<string, { sortBy: Prisma.Sql; sortType: 'timestamptz' | 'text' }> = {
	name: { sortBy: Prisma.sql`lower(tunnel.name)`, sortType: 'text' },
	created_at: { sortBy: Prisma.sql`tunnel.created_at`, sortType: 'timestamptz' }
};

/** A tunnel with what hangs on it. */
export interface TunnelRow extends Omit<Tunnel, 'connectors'> {
	connectors: KeptConnector[];
	/** Hosts of tenants, custom domains and edge hosts that it leads somewhere. */
	hosts: number;
	baseDomains: string[];
	/** The node whose tenants it serves; null for one that serves base domains. */
	node: string | null;
	/** What last happened to it, and when. */
	lastChange: { kind: TunnelChangeKind; at: Date } | null;
	/** Somebody else has written it, and it has not been put right. */
	driftedAt: Date | null;
}

/** One page of tunnels, by name; deleted ones only when the filter asks for them. */
export async function listTunnels(
	tx: Tx,
	query: ListQuery
): Promise<{ rows: TunnelRow[]; meta: PageMeta }> {
	const { status, state } = query.filters;
	const conditions = [
		state === 'deleted'
			? Prisma.sql`tunnel.deleted_at IS NOT NULL`
			: Prisma.sql`tunnel.deleted_at IS NULL`
	];
	if (status === 'unknown') conditions.push(Prisma.sql`tunnel.status IS NULL`);
	else if (status) conditions.push(Prisma.sql`tunnel.status = ${status}`);
	if (state === 'drifted')
		conditions.push(
			Prisma.sql`EXISTS (SELECT 1 FROM drifts WHERE kind = ${DRIFT_KIND} AND closed_at IS NULL AND subject_id = tunnel.id::text)`
		);
	if (query.q)
		conditions.push(
			Prisma.sql`lower(tunnel.name || ' ' || tunnel.cloudflare_id) LIKE ${contains(query.q)}`
		);
	const { ids, meta } = await pageOfIds(
		tx,
		{
			from: Prisma.sql`tunnels AS tunnel`,
			where: Prisma.join(conditions, ' AND '),
			...(SORTS[query.sort.key] ?? SORTS.name!),
			direction: query.sort.direction,
			id: Prisma.sql`tunnel.id`
		},
		query
	);
	return { rows: inOrder(ids, await tunnelRows(tx, ids)), meta };
}

/** These tunnels with what hangs on them, in no order. */
export async function tunnelRows(tx: Tx, ids: string[]): Promise<TunnelRow[]> {
	const tunnels = await tx.tunnel.findMany({
		where: { id: { in: ids } },
		include: {
			baseDomains: { select: { name: true }, orderBy: { name: 'asc' } },
			node: { select: { name: true } }
		}
	});
	const facts = await tx.$queryRaw<Facts[]>`
		SELECT tunnel.id, last.kind::text AS kind, last.at, drift.first_seen_at AS "driftedAt",
			(SELECT count(DISTINCT hostname) FROM edge_hosts WHERE tunnel_id = tunnel.id)
			+ (SELECT count(*) FROM tenant_deployments tenant JOIN base_domains base ON base.id = tenant.base_domain_id
				WHERE tenant.published AND coalesce(tenant.tunnel_id, base.tunnel_id) = tunnel.id)
			+ (SELECT count(*) FROM custom_domains own JOIN tenant_deployments tenant ON tenant.id = own.tenant_deployment_id
				JOIN base_domains base ON base.id = tenant.base_domain_id
				WHERE own.published AND own.driver <> 'edge' AND own.verification_status <> 'removed'
					AND tenant.published AND coalesce(tenant.tunnel_id, base.tunnel_id) = tunnel.id) AS hosts
		FROM tunnels tunnel
		LEFT JOIN LATERAL (
			SELECT kind, at FROM tunnel_changes WHERE tunnel_id = tunnel.id ORDER BY at DESC LIMIT 1) last ON true
		LEFT JOIN drifts drift ON drift.kind = ${DRIFT_KIND} AND drift.closed_at IS NULL
			AND drift.subject_id = tunnel.id::text
		WHERE tunnel.id = ANY(${ids}::uuid[])`;
	const factsOf = new Map(facts.map((row) => [row.id, row]));
	return tunnels.map(({ baseDomains, node, connectors, ...tunnel }) => {
		const { kind, at, driftedAt, hosts } = factsOf.get(tunnel.id)!;
		return {
			...tunnel,
			connectors: connectorsOf(connectors),
			hosts: Number(hosts),
			baseDomains: baseDomains.map(({ name }) => name),
			node: node?.name ?? null,
			lastChange: kind && at ? { kind, at } : null,
			driftedAt
		};
	});
}

interface Facts {
	id: string;
	kind: TunnelChangeKind | null;
	at: Date | null;
	driftedAt: Date | null;
	hosts: bigint;
}
