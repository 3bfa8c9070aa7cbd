import type { Tx } from '#lib/core/db.server.ts';
import { Prisma } from '#prisma/generated/client.ts';
import { monthOf } from './figureMonths.server.ts';

/** Trials that ended in a month. */
export interface Trials {
	ended: number;
	/** Of those, the subscriptions that somebody paid from then on. */
	converted: number;
}

/**
 * Which subscriptions had a trial in the sense of a sale: one that makes up for a slow set-up begins after the
 * subscription was worth something, and is none.
 * @param entry name of `subscriptions` in the query
 */
export function hadTrial(entry: Prisma.Sql): Prisma.Sql {
	return Prisma.sql`${entry}.trial_end IS NOT NULL AND NOT EXISTS (
		SELECT FROM mrr_movements movement WHERE movement.subscription_id = ${entry}.id AND movement.at < ${entry}.trial_start)`;
}

/**
 * Whether somebody went on from a trial to paying: worth something, and paid beyond the trial. One that ended without a
 * card is worth something as well until it is given up, and nobody pays it.
 */
export function converted(entry: Prisma.Sql): Prisma.Sql {
	return Prisma.sql`(${entry}.billing_mode <> 'stripe' OR ${entry}.paid_through > ${entry}.trial_end) AND EXISTS (
		SELECT FROM mrr_movements movement WHERE movement.subscription_id = ${entry}.id)`;
}

/** Trials that ended from one moment (included) to another (not included), by month of a zone (`2026-11`). */
export async function trialsByMonth(
	tx: Tx,
	{ currency, zone, from, to }: { currency: string; zone: string; from: Date; to: Date }
): Promise<Map<string, Trials>> {
	const entry = Prisma.sql`entry`;
	const rows = await tx.$queryRaw<(Trials & { month: string })[]>`
		SELECT ${monthOf(Prisma.sql`entry.trial_end`, zone)} AS month, count(*)::int AS ended,
			(count(*) FILTER (WHERE ${converted(entry)}))::int AS converted
		FROM subscriptions AS entry
		WHERE entry.currency = ${currency} AND entry.trial_end >= ${from} AND entry.trial_end < ${to} AND ${hadTrial(entry)}
		GROUP BY 1`;
	return new Map(rows.map(({ month, ...trials }) => [month, trials]));
}
