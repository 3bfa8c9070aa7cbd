import { addMonths, monthKey, startOfMonth } from '#lib/core/dates.ts';
import type { Tx } from '#lib/core/db.server.ts';
import type { Money } from '#lib/core/money.ts';
import { Prisma } from '#prisma/generated/client.ts';
import type { MonthFacts } from './figureMath.ts';
import {
	monthIn,
	type Months,
	monthsUntil,
	movementSums,
	rowsWithin
} from './figureMonths.server.ts';

/**
 * What all subscriptions are worth a month now, one sum for each currency, first the one that most of them pay in: sums of
 * two currencies cannot be compared.
 */
export async function mrr(tx: Tx): Promise<Money[]> {
	const sums = await tx.subscription.groupBy({
		by: ['currency'],
		where: { mrr: { gt: 0 } },
		_sum: { mrr: true },
		orderBy: [{ _count: { id: 'desc' } }, { currency: 'asc' }]
	});
	return sums.map(({ currency, _sum }) => ({ currency, amount: _sum.mrr ?? 0 }));
}

/** What moves in a month, by plan, country and cohort where they are asked for. */
const SUMS = Prisma.sql`new, expansion, contraction, churn, reactivation, customers_new, customers_back, customers_lost`;

/**
 * Every movement of a currency until the end of `months`, summed by month and `by`: from the cube where a month is
 * closed, from the rows otherwise.
 */
export function movementFacts(
	months: Months,
	currency: string,
	by: ('plan_key' | 'country' | 'cohort')[]
): Prisma.Sql {
	const columns = by.map((column) => Prisma.raw(`, ${column}`));
	const keys = columns.length ? Prisma.join(columns, '') : Prisma.empty;
	// The row without a cohort is the sum of all others of its month.
	const whole = by.length
		? Prisma.sql`cohort <> ''`
		: Prisma.sql`plan_key = '' AND country = '' AND cohort = ''`;
	const customer = Prisma.sql`JOIN customers customer ON customer.id = movement.customer_id`;
	const computed = by.map((column) => {
		if (column === 'plan_key') return Prisma.sql`, coalesce(movement.plan_key, '') AS plan_key`;
		if (column === 'country') return Prisma.sql`, coalesce(customer.country, '') AS country`;
		const first = monthIn(months, Prisma.sql`customer.first_paid_at`);
		return Prisma.sql`, coalesce(${first}, movement.month) AS cohort`;
	});
	return Prisma.sql`
		SELECT month ${keys}, ${SUMS} FROM mrr_months
		WHERE currency = ${currency} AND month = ANY(${months.closed}::bpchar[]) AND ${whole}
		UNION ALL
		SELECT movement.month ${computed.length ? Prisma.join(computed, '') : Prisma.empty},
			${movementSums}
		FROM ${rowsWithin(months.spans, 'mrr_movements', currency)} AS movement
		${by.some((column) => column !== 'plan_key') ? customer : Prisma.empty}
		GROUP BY ${Prisma.join(
			Array.from({ length: by.length + 1 }, (_, i) => Prisma.raw(String(i + 1)))
		)}`;
}

/** Sums of `movementFacts` as integers; call the facts `facts`. */
export const factSums = Prisma.sql`
	sum(new)::float8 AS new, sum(expansion)::float8 AS expansion, sum(contraction)::float8 AS contraction,
	sum(churn)::float8 AS churn, sum(reactivation)::float8 AS reactivation, sum(customers_new)::int AS customers_new,
	sum(customers_back)::int AS customers_back, sum(customers_lost)::int AS customers_lost`;

export interface FactRow {
	new: number;
	expansion: number;
	contraction: number;
	churn: number;
	reactivation: number;
	customers_new: number;
	customers_back: number;
	customers_lost: number;
}

/**
 * The calendar months of a currency up to the one of `at`, each beginning where the one before ended.
 * @param zone months are those of this IANA zone
 * @param count how many months, the one of `at` included, of which only what was before `at` counts
 */
export async function monthFacts(
	tx: Tx,
	{ at, zone, currency, count }: { at: Date; zone: string; currency: string; count: number }
): Promise<MonthFacts[]> {
	const months = await monthsUntil(tx, at, zone);
	const rows = await tx.$queryRaw<(FactRow & { month: string })[]>`
		SELECT month, ${factSums} FROM (${movementFacts(months, currency, [])}) AS facts GROUP BY month`;
	const first = addMonths(startOfMonth(at, zone), 1 - count, zone);
	const firstKey = monthKey(first, zone);
	const known = new Map(rows.map((row) => [row.month, row]));
	const before = rows.filter(({ month }) => month < firstKey);
	let end = before.reduce((sum, row) => sum + movedBy(row), 0);
	let customersEnd = before.reduce((sum, row) => sum + headsBy(row), 0);
	return Array.from({ length: count }, (_, index) => {
		const startsAt = addMonths(first, index, zone);
		const month = monthKey(startsAt, zone);
		const row = known.get(month) ?? NOTHING;
		const [start, customersStart] = [end, customersEnd];
		end += movedBy(row);
		customersEnd += headsBy(row);
		return {
			...{ month, startsAt, start, end },
			...{ new: row.new, expansion: row.expansion, reactivation: row.reactivation },
			...{ contraction: row.contraction, churn: row.churn },
			...{ customersStart, customersNew: row.customers_new, customersBack: row.customers_back },
			...{ customersLost: row.customers_lost, customersEnd }
		};
	});
}

const NOTHING: FactRow = {
	...{ new: 0, expansion: 0, contraction: 0, churn: 0, reactivation: 0 },
	...{ customers_new: 0, customers_back: 0, customers_lost: 0 }
};

/** By how much the MRR moved. */
export function movedBy(row: FactRow): number {
	return row.new + row.expansion + row.reactivation + row.contraction + row.churn;
}

/** By how many the customers became more. */
export function headsBy(row: FactRow): number {
	return row.customers_new + row.customers_back - row.customers_lost;
}

export interface PlanWorth {
	planKey: string;
	name: string;
	mrr: number;
	subscriptions: number;
	customers: number;
}

/** What each plan is worth now, the most first; versions of one plan are one. */
export function worthByPlan(tx: Tx, currency: string): Promise<PlanWorth[]> {
	return tx.$queryRaw<PlanWorth[]>`
		SELECT plan.key AS "planKey", max(plan.name) AS name, sum(worth.mrr)::float8 AS mrr,
			sum(worth.subscriptions)::int AS subscriptions, sum(worth.customers)::int AS customers
		FROM (
			SELECT plan_id, sum(mrr) AS mrr, count(*) AS subscriptions, count(DISTINCT customer_id) AS customers
			FROM subscriptions WHERE currency = ${currency} AND mrr > 0 GROUP BY plan_id
		) AS worth JOIN plans plan ON plan.id = worth.plan_id
		GROUP BY plan.key ORDER BY sum(worth.mrr) DESC, plan.key`;
}

/**
 * Currencies that anything was ever worth something in. Jumps from one to the next in an index: there are few of them,
 * and millions of rows.
 */
export async function usedCurrencies(tx: Tx): Promise<string[]> {
	const rows = await tx.$queryRaw<{ currency: string }[]>`
		WITH RECURSIVE used AS (
			(SELECT currency FROM mrr_movements ORDER BY currency LIMIT 1)
			UNION ALL
			SELECT (SELECT next.currency FROM mrr_movements next WHERE next.currency > used.currency ORDER BY next.currency LIMIT 1)
			FROM used WHERE used.currency IS NOT NULL
		)
		SELECT currency FROM used WHERE currency IS NOT NULL`;
	return rows.map(({ currency }) => currency);
}
