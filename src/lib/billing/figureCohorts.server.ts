import { addMonths, monthKey, startOfMonth } from '#lib/core/dates.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { monthsUntil } from './figureMonths.server.ts';
import { type FactRow, factSums, headsBy, movedBy, movementFacts } from './figures.server.ts';

/** The customers that first paid in one month, and what is left of them in the months after. */
export interface Cohort {
	/** `2026-01`: the month of their first payment. */
	month: string;
	startsAt: Date;
	/** How many came. */
	customers: number;
	/** MRR that they came with. */
	mrr: number;
	/** At the end of their first month, the one after, …; the last is the month of `at`, which runs. */
	left: { customers: number; mrr: number }[];
}

/**
 * Retention by month of the first payment, in one currency.
 * @param count cohorts of so many months, the one of `at` the last
 */
export async function cohorts(
	tx: Tx,
	{ at, zone, currency, count }: { at: Date; zone: string; currency: string; count: number }
): Promise<Cohort[]> {
	const months = await monthsUntil(tx, at, zone);
	const first = addMonths(startOfMonth(at, zone), 1 - count, zone);
	const rows = await tx.$queryRaw<(FactRow & { month: string; cohort: string })[]>`
		SELECT cohort, month, ${factSums} FROM (${movementFacts(months, currency, ['cohort'])}) AS facts
		WHERE cohort >= ${monthKey(first, zone)} GROUP BY cohort, month`;
	const starts = Array.from({ length: count }, (_, index) => addMonths(first, index, zone));
	const keys = starts.map((startsAt) => monthKey(startsAt, zone));
	return starts.map((startsAt, index) => {
		const month = keys[index]!;
		const own = new Map(
			rows.filter(({ cohort }) => cohort === month).map((row) => [row.month, row])
		);
		const left: Cohort['left'] = [];
		// What was written down late may lie before the month in which they were first seen to pay.
		const early = [...own.values()].filter((row) => row.month < month);
		let customers = early.reduce((sum, row) => sum + headsBy(row), 0);
		let worth = early.reduce((sum, row) => sum + movedBy(row), 0);
		for (const key of keys.slice(index)) {
			const row = own.get(key);
			if (row) {
				customers += headsBy(row);
				worth += movedBy(row);
			}
			left.push({ customers, mrr: worth });
		}
		// Who pays in several currencies comes to the second one later: also that is what the cohort came with.
		const sum = (value: (row: FactRow) => number) =>
			[...own.values()].reduce((total, row) => total + value(row), 0);
		return {
			...{ month, startsAt, left },
			customers: sum((row) => row.customers_new),
			mrr: sum((row) => row.new)
		};
	});
}
