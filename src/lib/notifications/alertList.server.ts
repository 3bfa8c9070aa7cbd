import { Prisma } from '#prisma/generated/client.ts';
import { AlertSeverity } from '#prisma/generated/enums.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { contains, pageOfRows, type PageMeta, type PageRequest } from '#lib/core/paging.server.ts';
import { day } from '#lib/logs/auditList.server.ts';
import type { ListSpec } from '#lib/ui/list-query.ts';

export const ALERT_LIST = {
	sort: ['opened_at'],
	defaultSort: '-opened_at',
	filters: ['state', 'severity', 'from', 'to']
} satisfies ListSpec;

export interface AlertQuery extends PageRequest {
	/** Looks in the rule, what it is about, its facts, and what was said about it. */
	q: string;
	sort: { direction: 'asc' | 'desc' };
	filters: {
		/** `acknowledged` or `closed`; anything else: those that nobody has taken on. */
		state?: string;
		severity?: string;
		/** First and last day of opening, `2026-11-21`, in UTC. */
		from?: string;
		to?: string;
	};
}

const select = {
	id: true,
	rule: true,
	subjectType: true,
	subjectId: true,
	severity: true,
	data: true,
	openedAt: true,
	acknowledgedAt: true,
	acknowledgedName: true,
	acknowledgedNote: true,
	closedAt: true
} satisfies Prisma.AlertSelect;

export type AlertRow = Prisma.AlertGetPayload<{ select: typeof select }>;

/** One page of the alerts of one state, newest first unless asked otherwise. */
export function listAlerts(
	tx: Tx,
	query: AlertQuery
): Promise<{ rows: AlertRow[]; meta: PageMeta }> {
	return pageOfRows(
		tx,
		{
			from: Prisma.sql`alerts AS alert`,
			where: whereOf(query),
			sortBy: Prisma.sql`alert.opened_at`,
			sortType: 'timestamptz',
			direction: query.sort.direction,
			id: Prisma.sql`alert.id`
		},
		query,
		(id) => tx.alert.findMany({ where: { id }, select })
	);
}

/** The worst and newest that are open, those first that nobody has taken on. */
export function openAlerts(tx: Tx, take: number): Promise<AlertRow[]> {
	return tx.alert.findMany({
		where: { closedAt: null },
		orderBy: [
			{ acknowledgedAt: { sort: 'asc', nulls: 'first' } },
			{ severity: 'desc' },
			{ openedAt: 'desc' }
		],
		take,
		select
	});
}

/** How many are open, and how many of those somebody has taken on. */
export async function countAlerts(tx: Tx): Promise<{ open: number; acknowledged: number }> {
	return {
		open: await tx.alert.count({ where: { closedAt: null } }),
		acknowledged: await tx.alert.count({
			where: { closedAt: null, acknowledgedAt: { not: null } }
		})
	};
}

function whereOf({ q, filters }: AlertQuery): Prisma.Sql {
	const conditions = [stateCondition(filters.state)];
	const severity = Object.values(AlertSeverity).find((name) => name === filters.severity);
	if (severity) conditions.push(Prisma.sql`alert.severity = ${severity}::alert_severity`);
	const from = day(filters.from);
	const to = day(filters.to);
	if (from) conditions.push(Prisma.sql`alert.opened_at >= ${from}::date`);
	if (to) conditions.push(Prisma.sql`alert.opened_at < ${to}::date + 1`);
	if (q) {
		conditions.push(
			Prisma.sql`lower(concat_ws(' ', alert.rule, alert.subject_type, alert.subject_id, alert.data::text,
				alert.acknowledged_name, alert.acknowledged_note)) LIKE ${contains(q)}`
		);
	}
	return Prisma.join(conditions, ' AND ');
}

function stateCondition(state: string | undefined): Prisma.Sql {
	if (state === 'closed') return Prisma.sql`alert.closed_at IS NOT NULL`;
	if (state === 'acknowledged')
		return Prisma.sql`alert.closed_at IS NULL AND alert.acknowledged_at IS NOT NULL`;
	return Prisma.sql`alert.closed_at IS NULL AND alert.acknowledged_at IS NULL`;
}
