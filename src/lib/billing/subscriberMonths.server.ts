import { addMonths } from '#lib/core/dates.ts';
import type { Tx } from '#lib/core/db.server.ts';
import type { MoneyOverview } from './figureOverview.server.ts';

/** How many customers are read at once. */
const BATCH = 500;

/** What a customer was worth at the end of each month, minor units; of a running one, so far. */
export interface SubscriberMonths {
	id: string;
	companyName: string;
	email: string;
	country: string | null;
	/** When it was first worth something, in any currency. */
	firstPaidAt: Date | null;
	months: number[];
}

type Range = Pick<MoneyOverview, 'at' | 'zone' | 'currency' | 'isRunning'> & {
	/** The range's months, after the one that the first is compared with. */
	months: { startsAt: Date }[];
};

/**
 * The next customers that were worth something at the end of any month of a range, in the order in which they came. What
 * they are worth in a month adds up to its MRR.
 * @param after id of the last one before
 * @returns `next`: where to go on; null at the end. A batch may be empty and not the last.
 */
export async function subscriberMonths(
	tx: Tx,
	range: Range,
	after: string | null
): Promise<{ rows: SubscriberMonths[]; next: string | null }> {
	const { at, zone, currency } = range;
	const begins = range.months.slice(1).map(({ startsAt }) => startsAt);
	const until = range.isRunning ? new Date(at.getTime() + 1) : addMonths(begins.at(-1)!, 1, zone);
	// What moved before the second month is in the first one's end already.
	const steps = begins.slice(1).map((start) => start.toISOString());
	const found = await tx.$queryRaw<(Omit<SubscriberMonths, 'months'> & { moved: Moved | null })[]>`
		WITH batch AS (
			SELECT customer.id, customer.company_name, customer.email, customer.country, customer.first_paid_at
			FROM customers customer
			WHERE customer.id > ${after ?? '00000000-0000-0000-0000-000000000000'}::uuid
				AND EXISTS (SELECT FROM mrr_movements movement WHERE movement.customer_id = customer.id
					AND movement.currency = ${currency} AND movement.at < ${until})
			ORDER BY customer.id LIMIT ${BATCH}
		)
		SELECT batch.id, batch.company_name AS "companyName", batch.email, batch.country, batch.first_paid_at AS "firstPaidAt",
			(SELECT jsonb_object_agg(month, amount) FROM (
				SELECT width_bucket(movement.at, ${steps}::timestamptz[]) AS month, sum(movement.amount) AS amount
				FROM mrr_movements movement
				WHERE movement.customer_id = batch.id AND movement.currency = ${currency} AND movement.at < ${until}
				GROUP BY 1) AS sums) AS moved
		FROM batch ORDER BY batch.id`;
	const rows = found.map(({ moved, ...customer }) => ({
		...customer,
		months: endsOf(moved ?? {}, begins.length)
	}));
	return {
		rows: rows.filter(({ months }) => months.some((worth) => worth !== 0)),
		next: found.length === BATCH ? found.at(-1)!.id : null
	};
}

/** By how much it moved, by number of the month. */
type Moved = Record<string, number>;

function endsOf(moved: Moved, count: number): number[] {
	let worth = 0;
	return Array.from({ length: count }, (_, month) => (worth += moved[month] ?? 0));
}
