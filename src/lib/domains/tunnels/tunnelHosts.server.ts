import type { Tx } from '#lib/core/db.server.ts';
import type { PageMeta } from '#lib/core/paging.server.ts';
import type { ListQuery, ListSpec } from '#lib/ui/list-query.ts';
import { appUrl } from './derivedIngress.server.ts';
import { CONTAINER_PORT } from './ingress.ts';
import { type AnsweredByUs, publishedHosts } from './publishedHosts.server.ts';

export const TUNNEL_HOST_LIST = {
	sort: ['hostname'],
	defaultSort: 'hostname',
	filters: ['kind']
} as const satisfies ListSpec;

export type TunnelHostKind = 'edge' | 'tenant' | 'domain';

/** A host that a tunnel leads somewhere, and whose it is. */
export interface TunnelHostRow {
	id: string;
	kind: TunnelHostKind;
	hostname: string;
	path: string | null;
	service: string;
	/** What the container sees as its host, where that is another. */
	hostHeader: string | null;
	tenant: { id: string; slug: string } | null;
	customDomainId: string | null;
	/** Kept from somebody else. */
	adopted: boolean;
	answeredByUs: AnsweredByUs | null;
}

/** One page of the hosts that a tunnel's rules are derived for, by name. */
export async function listTunnelHosts(
	tx: Tx,
	tunnelId: string,
	query: ListQuery
): Promise<{ rows: TunnelHostRow[]; meta: PageMeta }> {
	const all = (await hostsOf(tx, tunnelId)).filter(
		({ hostname, service, tenant, kind }) =>
			(!query.filters.kind || kind === query.filters.kind) &&
			[hostname, service, tenant?.slug ?? ''].some((text) =>
				text.toLowerCase().includes(query.q.toLowerCase())
			)
	);
	const order = query.sort.direction === 'asc' ? 1 : -1;
	all.sort((a, b) => (key(a) < key(b) ? -order : order));
	// Where an earlier page ended; hosts are derived, so that there is no row to point at.
	const after = query.cursor ? all.findIndex((row) => key(row) === query.cursor) + 1 : null;
	const from = after ?? (query.page - 1) * query.pageSize;
	const rows = all.slice(from, from + query.pageSize);
	const last = rows.at(-1);
	return {
		rows,
		meta: {
			...{ total: all.length, totalEstimate: null, page: query.page, pageSize: query.pageSize },
			next: last && from + query.pageSize < all.length ? key(last) : null
		}
	};
}

function key({ hostname, path, id }: TunnelHostRow): string {
	return `${hostname} ${path ?? ''} ${id}`;
}

async function hostsOf(tx: Tx, tunnelId: string): Promise<TunnelHostRow[]> {
	const edge = await tx.edgeHost.findMany({ where: { tunnelId } });
	const published = await publishedHosts(tx, tunnelId);
	return [
		...edge.map(({ id, hostname, path, service, adopted }) => ({
			...{ id, kind: 'edge' as const, hostname, path, service, adopted },
			...{ hostHeader: null, tenant: null, customDomainId: null, answeredByUs: null }
		})),
		...published.map(({ tenantId, slug, ipAddress, ...host }) => ({
			id: host.customDomainId ?? tenantId,
			kind: host.customDomainId ? ('domain' as const) : ('tenant' as const),
			...{ hostname: host.hostname, hostHeader: host.hostHeader, path: null },
			service: ipAddress ? `http://${ipAddress}:${CONTAINER_PORT}` : appUrl(),
			tenant: { id: tenantId, slug },
			...{ customDomainId: host.customDomainId, adopted: false, answeredByUs: host.answeredByUs }
		}))
	];
}
