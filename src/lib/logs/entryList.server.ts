import { Prisma } from '#prisma/generated/client.ts';
import type { LogEntry } from '#prisma/generated/client.ts';
import { LogLevel } from '#prisma/generated/enums.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { contains, pageOfRows, type PageMeta, type PageRequest } from '#lib/core/paging.server.ts';
import type { ListSpec } from '#lib/ui/list-query.ts';
import { day } from './auditList.server.ts';

export const ENTRY_LIST = {
	sort: ['at'],
	defaultSort: '-at',
	filters: ['level', 'source', 'from', 'to'],
	pageSize: 50
} satisfies ListSpec;

export interface EntryQuery extends PageRequest {
	/** Looks in the text and the step. */
	q: string;
	filters: {
		/** This level and worse. */
		level?: string;
		source?: string;
		/** First and last day, `2026-11-21`, in UTC. */
		from?: string;
		to?: string;
	};
}

const WORSE: Record<LogLevel, LogLevel[]> = {
	debug: ['debug', 'info', 'warning', 'error'],
	info: ['info', 'warning', 'error'],
	warning: ['warning', 'error'],
	error: ['error']
};

/** One page of the structured log, newest first. */
export async function listEntries(
	tx: Tx,
	query: EntryQuery
): Promise<{ rows: LogEntry[]; meta: PageMeta }> {
	return pageOfRows(
		tx,
		{
			from: Prisma.sql`log_entries AS entry`,
			where: whereOf(query),
			sortBy: Prisma.sql`entry.at`,
			sortType: 'timestamptz',
			direction: 'desc',
			id: Prisma.sql`entry.id`
		},
		query,
		(id) => tx.logEntry.findMany({ where: { id } })
	);
}

function whereOf({ q, filters }: EntryQuery): Prisma.Sql {
	const conditions = [Prisma.sql`true`];
	const level = Object.values(LogLevel).find((name) => name === filters.level);
	if (level) conditions.push(Prisma.sql`entry.level = ANY(${WORSE[level]}::log_level[])`);
	if (filters.source) conditions.push(Prisma.sql`entry.source = ${filters.source}`);
	const from = day(filters.from);
	const to = day(filters.to);
	if (from) conditions.push(Prisma.sql`entry.at >= ${from}::date`);
	if (to) conditions.push(Prisma.sql`entry.at < ${to}::date + 1`);
	if (q) {
		const pattern = contains(q);
		conditions.push(
			Prisma.sql`lower(coalesce(entry.step_name, '') || ' ' || entry.message) LIKE ${pattern}`
		);
	}
	return Prisma.join(conditions, ' AND ');
}
