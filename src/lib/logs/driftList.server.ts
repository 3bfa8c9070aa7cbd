import { Prisma, type Drift } from '#prisma/generated/client.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { contains, pageOfRows, type PageMeta, type PageRequest } from '#lib/core/paging.server.ts';
import type { ListSpec } from '#lib/ui/list-query.ts';

export const DRIFT_LIST = {
	sort: ['first_seen_at'],
	defaultSort: 'first_seen_at',
	filters: ['state', 'kind']
} satisfies ListSpec;

export interface DriftQuery extends PageRequest {
	/** Looks in the ids of what it is about, and in what both sides say. */
	q: string;
	sort: { direction: 'asc' | 'desc' };
	filters: { state?: string; kind?: string };
	/** `billing`: kinds of this area alone. */
	area: string;
}

/** One page of what two systems say differently, the oldest first; open ones unless asked otherwise. */
export function listDrifts(tx: Tx, query: DriftQuery): Promise<{ rows: Drift[]; meta: PageMeta }> {
	const { state, kind } = query.filters;
	const conditions = [
		Prisma.sql`drift.kind LIKE ${`${query.area}.%`}`,
		state === 'closed'
			? Prisma.sql`drift.closed_at IS NOT NULL`
			: Prisma.sql`drift.closed_at IS NULL`
	];
	if (kind) conditions.push(Prisma.sql`drift.kind = ${kind}`);
	if (query.q)
		conditions.push(
			Prisma.sql`lower(concat_ws(' ', drift.subject_id, drift.kind, drift.ours, drift.theirs)) LIKE ${contains(query.q)}`
		);
	return pageOfRows(
		tx,
		{
			from: Prisma.sql`drifts AS drift`,
			where: Prisma.join(conditions, ' AND '),
			sortBy: Prisma.sql`drift.first_seen_at`,
			sortType: 'timestamptz',
			direction: query.sort.direction,
			id: Prisma.sql`drift.id`
		},
		query,
		(id) => tx.drift.findMany({ where: { id } })
	);
}

/** How many differences of an area nobody has put right or left alone. */
export function openDrifts(tx: Tx, area: string): Promise<number> {
	return tx.drift.count({ where: { kind: { startsWith: `${area}.` }, closedAt: null } });
}
