import type { Tx } from '#lib/core/db.server.ts';
import { contains, pageOfRows, type PageMeta, type PageRequest } from '#lib/core/paging.server.ts';
import type { ListQuery, ListSpec } from '#lib/ui/list-query.ts';
import { Prisma, type RecordChange, type ZoneRecord } from '#prisma/generated/client.ts';
import { RecordAct, RecordChangeStatus, RecordStanding } from '#prisma/generated/enums.ts';
import { ACT_OF, MOST_AT_ONCE } from './recordChanges.server.ts';

export const RECORD_LIST = {
	sort: ['name', 'type'],
	defaultSort: 'name',
	filters: ['standing', 'zone', 'type', 'owner']
} as const satisfies ListSpec;

const SORTS: Record<string, Prisma.Sql> = {
	name: Prisma.sql`record.name`,
	type: Prisma.sql`record.type || ' ' || record.name`
};

export interface RecordRow extends ZoneRecord {
	/** What can be done about it; null for one that is fine or somebody else's. */
	act: RecordAct | null;
	/** Somebody has asked for that already. */
	waits: boolean;
}

type Narrowed = Pick<ListQuery, 'q' | 'filters'>;

/** One page of what stood in our zones at the last look, and of what was missing there. */
export async function listRecords(
	tx: Tx,
	query: ListQuery
): Promise<{ rows: RecordRow[]; meta: PageMeta }> {
	const { rows, meta } = await pageOfRows(
		tx,
		{
			from: Prisma.sql`zone_records AS record`,
			where: recordsWhere(query),
			sortBy: SORTS[query.sort.key] ?? SORTS.name!,
			sortType: 'text',
			direction: query.sort.direction,
			id: Prisma.sql`record.id`
		},
		query,
		(id) => tx.zoneRecord.findMany({ where: { id } })
	);
	const waiting = await tx.recordChange.findMany({
		where: { status: 'waiting', name: { in: rows.map(({ name }) => name) } },
		select: { zoneId: true, name: true, type: true, cloudflareId: true }
	});
	return {
		rows: rows.map((row) => ({
			...row,
			act: ACT_OF[row.standing] ?? null,
			waits: waiting.some(
				({ zoneId, name, type, cloudflareId }) =>
					zoneId === row.zoneId &&
					name === row.name &&
					type === row.type &&
					cloudflareId === row.cloudflareId
			)
		})),
		meta
	};
}

/** All that something can be done about, of what the list shows: at most so many as one batch takes, and one more. */
export async function changeableIds(tx: Tx, query: Narrowed): Promise<string[]> {
	const rows = await tx.$queryRaw<{ id: string }[]>`
		SELECT record.id FROM zone_records AS record
		WHERE ${recordsWhere(query)} AND record.standing IN ('orphan', 'missing', 'differs')
		ORDER BY record.name LIMIT ${MOST_AT_ONCE + 1}`;
	return rows.map(({ id }) => id);
}

function recordsWhere({ q, filters }: Narrowed): Prisma.Sql {
	const { standing, zone, type, owner } = filters;
	const conditions = [Prisma.sql`true`];
	if (standing && isOneOf(RecordStanding, standing))
		conditions.push(Prisma.sql`record.standing = ${standing}::record_standing`);
	if (zone) conditions.push(Prisma.sql`record.zone_id = ${zone}`);
	if (type) conditions.push(Prisma.sql`record.type = ${type}`);
	if (owner) conditions.push(Prisma.sql`record.owner_kind = ${owner}`);
	if (q)
		conditions.push(
			Prisma.sql`lower(record.name || ' ' || record.content || ' ' || coalesce(record.comment, '')) LIKE ${contains(q)}`
		);
	return Prisma.join(conditions, ' AND ');
}

function isOneOf(values: Record<string, string>, given: string): boolean {
	return Object.values(values).includes(given);
}

/** How each zone was last looked at, and how many records of each standing were there. */
export async function zonesSeen(tx: Tx) {
	const looks = await tx.zoneLook.findMany({ orderBy: { name: 'asc' } });
	const counts = await tx.zoneRecord.groupBy({ by: ['standing'], _count: { _all: true } });
	return {
		looks,
		counts: Object.fromEntries(counts.map(({ standing, _count }) => [standing, _count._all]))
	};
}

export const CHANGE_LIST = {
	sort: ['created_at'],
	defaultSort: '-created_at',
	filters: ['status', 'act', 'batch']
} as const satisfies ListSpec;

/** One page of what was asked of our records, and what came of it. */
export function listChanges(
	tx: Tx,
	query: Narrowed & PageRequest & { sort: { direction: 'asc' | 'desc' } }
): Promise<{ rows: RecordChange[]; meta: PageMeta }> {
	const { status, act, batch } = query.filters;
	const conditions = [Prisma.sql`true`];
	if (status && isOneOf(RecordChangeStatus, status))
		conditions.push(Prisma.sql`change.status = ${status}::record_change_status`);
	if (act && isOneOf(RecordAct, act)) conditions.push(Prisma.sql`change.act = ${act}::record_act`);
	if (batch) conditions.push(Prisma.sql`change.batch_id::text = ${batch}`);
	if (query.q) conditions.push(Prisma.sql`lower(change.name) LIKE ${contains(query.q)}`);
	return pageOfRows(
		tx,
		{
			from: Prisma.sql`record_changes AS change`,
			where: Prisma.join(conditions, ' AND '),
			sortBy: Prisma.sql`change.created_at`,
			sortType: 'timestamptz',
			direction: query.sort.direction,
			id: Prisma.sql`change.id`
		},
		query,
		(id) => tx.recordChange.findMany({ where: { id } })
	);
}
