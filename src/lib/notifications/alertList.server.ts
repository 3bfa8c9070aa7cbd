import { Prisma } from '#prisma/generated/client.ts';
import { AlertSeverity } from '#prisma/generated/enums.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { contains, pageOfRows, type PageMeta, type PageRequest } from '#lib/core/paging.server.ts';
import { day } from '#lib/logs/auditList.server.ts';
import type { ListSpec } from '#lib/ui/list-query.ts';
import { holdsNow } from './alerts/silenced.server.ts';

export const ALERT_LIST = {
	sort: ['opened_at'],
	defaultSort: '-opened_at',
	filters: ['state', 'severity', 'rule', 'from', 'to']
} satisfies ListSpec;

export interface AlertQuery extends PageRequest {
	/** Looks in the rule, what it is about, its facts, and what was said about it. */
	q: string;
	sort: { direction: 'asc' | 'desc' };
	filters: {
		/** `acknowledged`, `silenced` or `closed`; anything else: those that wait for somebody. */
		state?: string;
		severity?: string;
		/** The whole name: `infrastructure.node-cpu`. */
		rule?: string;
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

/** An alert with what keeps it quiet. */
export interface ListedAlert extends AlertRow {
	escalatedAt: Date | null;
	/** Nobody was told yet. */
	mutedAt: Date | null;
	/** The silence that ends last of those that hold for it. */
	silence: { until: Date; reason: string; byLabel: string } | null;
}

/** One page of the alerts of one state, newest first unless asked otherwise. */
export function listAlerts(
	tx: Tx,
	query: AlertQuery
): Promise<{ rows: ListedAlert[]; meta: PageMeta }> {
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
		(id) => alertRows(tx, id.in)
	);
}

/** These alerts with what keeps them quiet, in no order. */
export async function alertRows(tx: Tx, ids: string[]): Promise<ListedAlert[]> {
	const rows = await tx.alert.findMany({
		where: { id: { in: ids } },
		select: { ...select, escalatedAt: true, mutedAt: true }
	});
	const silences = await tx.$queryRaw<
		{ id: string; until: Date; reason: string; byLabel: string }[]
	>`
		SELECT DISTINCT ON (alert.id) alert.id, silence.until, silence.reason, silence.by_label AS "byLabel"
		FROM alerts alert JOIN alert_silences silence ON ${holdsNow()}
		WHERE alert.id = ANY(${ids}::uuid[]) AND alert.closed_at IS NULL ORDER BY alert.id, silence.until DESC`;
	const silenceOf = new Map(silences.map(({ id, ...silence }) => [id, silence]));
	return rows.map((row) => ({ ...row, silence: silenceOf.get(row.id) ?? null }));
}

/** How many are open, nobody has taken on, and nobody is told of. */
export async function countSilenced(tx: Tx): Promise<number> {
	const [row] = await tx.$queryRaw<{ count: bigint }[]>`
		SELECT count(*) FROM alerts alert WHERE ${stateCondition('silenced')}`;
	return Number(row!.count);
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
	if (filters.rule) conditions.push(Prisma.sql`alert.rule = ${filters.rule}`);
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
	const isSilenced = Prisma.sql`EXISTS (SELECT 1 FROM alert_silences silence WHERE ${holdsNow()})`;
	return Prisma.sql`alert.closed_at IS NULL AND alert.acknowledged_at IS NULL
		AND ${state === 'silenced' ? isSilenced : Prisma.sql`NOT ${isSilenced}`}`;
}
