import { Prisma, type AlertSilence } from '#prisma/generated/client.ts';
import { now } from '#lib/core/clock.server.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { contains, pageOfRows, type PageMeta, type PageRequest } from '#lib/core/paging.server.ts';
import type { ListSpec } from '#lib/ui/list-query.ts';
import { factsOf } from '../sentences.ts';

export const SILENCE_LIST = {
	sort: ['until'],
	defaultSort: '-until',
	filters: ['state', 'rule']
} satisfies ListSpec;

interface SilenceQuery extends PageRequest {
	/** Looks in rule, subject, reason and who it was. */
	q: string;
	sort: { direction: 'asc' | 'desc' };
	/** `ended`: those that are over; anything else: those in force. */
	filters: { state?: string; rule?: string };
}

export interface SilenceRow extends AlertSilence {
	/** What the subject is called, as far as its alerts say. */
	subjectName: string | null;
	isOver: boolean;
	/** Alerts that are open and that nobody was told of because of it or another silence. */
	muted: number;
}

/** One page of silences of one state. */
export function listSilences(
	tx: Tx,
	{ q, filters, ...query }: SilenceQuery
): Promise<{ rows: SilenceRow[]; meta: PageMeta }> {
	const at = now();
	const over = Prisma.sql`(silence.ended_at IS NOT NULL OR silence.until <= ${at})`;
	const conditions = [filters.state === 'ended' ? over : Prisma.sql`NOT ${over}`];
	if (filters.rule) conditions.push(Prisma.sql`silence.rule = ${filters.rule}`);
	if (q)
		conditions.push(
			Prisma.sql`lower(concat_ws(' ', silence.rule, silence.subject_type, silence.subject_id, silence.reason, silence.by_label)) LIKE ${contains(q)}`
		);
	return pageOfRows(
		tx,
		{
			from: Prisma.sql`alert_silences AS silence`,
			where: Prisma.join(conditions, ' AND '),
			sortBy: Prisma.sql`silence.until`,
			sortType: 'timestamptz',
			direction: query.sort.direction,
			id: Prisma.sql`silence.id`
		},
		query,
		(id) => rowsOf(tx, id.in)
	);
}

async function rowsOf(tx: Tx, ids: string[]): Promise<SilenceRow[]> {
	const silences = await tx.alertSilence.findMany({ where: { id: { in: ids } } });
	const names = await subjectNames(tx, silences);
	const muted = await tx.$queryRaw<{ id: string; muted: bigint }[]>`
		SELECT silence.id, count(*) AS muted FROM alert_silences silence
		JOIN alerts alert ON alert.closed_at IS NULL AND alert.muted_at IS NOT NULL
			AND (silence.rule IS NULL OR silence.rule = alert.rule)
			AND (silence.subject_id IS NULL OR (silence.subject_type = alert.subject_type AND silence.subject_id = alert.subject_id))
		WHERE silence.id = ANY(${ids}::uuid[]) GROUP BY 1`;
	const count = new Map(muted.map((row) => [row.id, Number(row.muted)]));
	const at = now();
	return silences.map((silence) => ({
		...silence,
		subjectName: silence.subjectId ? (names.get(silence.subjectId) ?? null) : null,
		isOver: silence.endedAt !== null || silence.until <= at,
		muted: count.get(silence.id) ?? 0
	}));
}

/** As the newest alert about each calls it. */
async function subjectNames(
	tx: Tx,
	of: { subjectType: string | null; subjectId: string | null }[]
): Promise<Map<string, string>> {
	const ids = of.flatMap(({ subjectId }) => subjectId ?? []);
	if (ids.length === 0) return new Map();
	const rows = await tx.$queryRaw<{ subjectId: string; data: unknown }[]>`
		SELECT DISTINCT ON (subject_id) subject_id AS "subjectId", data FROM alerts
		WHERE subject_id = ANY(${ids}) AND subject_type = ANY(${of.flatMap(({ subjectType }) => subjectType ?? [])})
		ORDER BY subject_id, opened_at DESC`;
	return new Map(
		rows.flatMap(({ subjectId, data }): [string, string][] => {
			const { subject, node, slug, hostname, name } = factsOf(data);
			const called = [subject, node, slug, hostname, name].find((one) => typeof one === 'string');
			return typeof called === 'string' ? [[subjectId, called]] : [];
		})
	);
}
