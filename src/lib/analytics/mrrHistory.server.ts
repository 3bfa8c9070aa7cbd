import { addMonths, monthKey, startOfMonth } from '#lib/core/dates.ts';
import type { Tx } from '#lib/core/db.server.ts';
import type { MovementKind } from '#prisma/generated/enums.ts';
import { mrrAt } from '../billing/figures.server.ts';

/** One calendar month of the MRR; amounts in minor units, losses negative. */
export interface MrrMonth extends Record<MovementKind, number> {
	/** `2026-11` in the platform's zone. */
	month: string;
	/** Its first moment. */
	startsAt: Date;
	/** At its end, or now for the running month. */
	end: number;
}

/**
 * How the MRR moved in each of the last months, the running one included:
 * `end = end of the month before + the sum of the movements`.
 * @param timeZone months are those of this zone (domain.md section 5)
 */
export async function mrrHistory(
	tx: Tx,
	at: Date,
	timeZone: string,
	currency: string,
	months = 12
): Promise<MrrMonth[]> {
	const from = addMonths(at, 1 - months, timeZone);
	const rows = await tx.$queryRaw<{ month: string; kind: MovementKind; amount: bigint }[]>`
		SELECT to_char(date_trunc('month', at, ${timeZone}) AT TIME ZONE ${timeZone}, 'YYYY-MM') AS month,
			kind, sum(amount)::bigint AS amount
		FROM mrr_movements WHERE currency = ${currency} AND at >= ${from} AND at <= ${at}
		GROUP BY 1, 2`;
	let end = await mrrAt(tx, from, currency);
	return Array.from({ length: months }, (_, index) => {
		const startsAt = addMonths(startOfMonth(at, timeZone), 1 - months + index, timeZone);
		const month = monthKey(startsAt, timeZone);
		const moved = { new: 0, expansion: 0, contraction: 0, churn: 0, reactivation: 0 };
		for (const row of rows) if (row.month === month) moved[row.kind] = Number(row.amount);
		end += Object.values(moved).reduce((sum, amount) => sum + amount, 0);
		return { month, startsAt, end, ...moved };
	});
}
