import type { Tx } from '#lib/core/db.server.ts';
import { contains, pageOfRows, type PageMeta } from '#lib/core/paging.server.ts';
import type { ListQuery, ListSpec } from '#lib/ui/list-query.ts';
import { Prisma } from '#prisma/generated/client.ts';
import { showHosts, type ShownHost } from './edgeHosts.server.ts';

export const EDGE_HOST_LIST = {
	sort: ['hostname', 'created_at'],
	defaultSort: 'hostname',
	filters: ['kind']
} as const satisfies ListSpec;

const SORTS: Record<string, { sortBy: Prisma.Sql; sortType: 'timestamptz' | 'text' }> = {
	hostname: { sortBy: Prisma.sql`host.hostname`, sortType: 'text' },
	created_at: { sortBy: Prisma.sql`host.created_at`, sortType: 'timestamptz' }
};

/** One page of a tunnel's hosts that are no instance; `kind` is `adopted` or `own`. */
export async function listEdgeHosts(
	tx: Tx,
	tunnelId: string,
	query: ListQuery
): Promise<{ rows: ShownHost[]; meta: PageMeta }> {
	const conditions = [Prisma.sql`host.tunnel_id = ${tunnelId}::uuid`];
	const { kind } = query.filters;
	if (kind === 'adopted') conditions.push(Prisma.sql`host.adopted`);
	if (kind === 'own') conditions.push(Prisma.sql`NOT host.adopted`);
	if (query.q)
		conditions.push(
			Prisma.sql`lower(host.hostname || ' ' || host.service) LIKE ${contains(query.q)}`
		);
	const { rows, meta } = await pageOfRows(
		tx,
		{
			from: Prisma.sql`edge_hosts AS host`,
			where: Prisma.join(conditions, ' AND '),
			...(SORTS[query.sort.key] ?? SORTS.hostname!),
			direction: query.sort.direction,
			id: Prisma.sql`host.id`
		},
		query,
		(id) => tx.edgeHost.findMany({ where: { id } })
	);
	return { rows: await showHosts(tx, rows), meta };
}
