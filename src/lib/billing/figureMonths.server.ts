import { addMonths, monthKey, startOfMonth } from '#lib/core/dates.ts';
import { db, lock, transaction, type Tx } from '#lib/core/db.server.ts';
import { Prisma } from '#prisma/generated/client.ts';

/** Held alone by who closes months; triggers of what is summed hold it together with each other. */
const LOCK = 'billing.figures';

/** Where the sums of each month are: what is closed in the cubes, everything else in its rows. */
export interface Months {
	zone: string;
	/** Months whose sums are to be taken from the cubes. */
	closed: string[];
	/** What is to be summed from rows, each span within one month, its end excluded; the first begins with time. */
	spans: { month: string; from: Date | null; to: Date }[];
	/** Every month from the first to the last, and the moment at which each begins. */
	keys: string[];
	starts: Date[];
}

/**
 * Divides the time until `at` (included) into what is summed already and what is not.
 * @param zone months are those of this IANA zone; months that were closed in another one count as open
 * @param first the month to begin with; default: that of the first movement
 */
export async function monthsUntil(tx: Tx, at: Date, zone: string, first?: string): Promise<Months> {
	// A moment has no end: the first one that is not counted any more.
	const until = new Date(at.getTime() + 1);
	const rows = await tx.figureMonth.findMany({
		where: { timeZone: zone, summedUntil: { lte: until } },
		select: { month: true, summedUntil: true }
	});
	const summed = new Map(rows.map((row) => [row.month, row.summedUntil]));
	// The least by an index; an aggregate would read them all.
	const least = first
		? startOf(first, zone)
		: (await tx.mrrMovement.findFirst({ orderBy: { at: 'asc' }, select: { at: true } }))?.at;
	const months: Months = { zone, closed: [], spans: [], keys: [], starts: [] };
	let start = addMonths(least && least < until ? least : at, 0, zone);
	let isFirst = !first;
	while (start < until) {
		const month = monthKey(start, zone);
		const next = addMonths(start, 1, zone);
		const known = summed.get(month);
		if (known) months.closed.push(month);
		const from = known ?? (isFirst ? null : start);
		const to = next < until ? next : until;
		if (from === null || from < to) months.spans.push({ month, from, to });
		months.keys.push(month);
		months.starts.push(start);
		start = next;
		isFirst = false;
	}
	return months;
}

const MOMENTS = {
	mrr_movements: 'at',
	invoices: 'paid_at',
	refunds: 'created_at',
	disputes: 'withdrawn_at'
};

/**
 * Rows of a table within spans, with the `month` of each. Spans stand in the query one by one: joined to a list of them,
 * PostgreSQL expects a ninth of the table and compiles the query for longer than it runs.
 * @param currency null: all of them
 */
export function rowsWithin(
	spans: Months['spans'],
	table: keyof typeof MOMENTS,
	currency: string | null
): Prisma.Sql {
	const column = MOMENTS[table];
	const moment = Prisma.raw(`entry.${column}`);
	const only = currency === null ? Prisma.empty : Prisma.sql`AND entry.currency = ${currency}`;
	const parts = spans.map(
		({
			month,
			from,
			to
		}) => Prisma.sql`SELECT ${month}::text AS month, entry.* FROM ${Prisma.raw(table)} entry
			WHERE ${moment} >= ${from?.toISOString() ?? '-infinity'}::timestamptz AND ${moment} < ${to.toISOString()}::timestamptz ${only}`
	);
	if (parts.length === 0)
		return Prisma.sql`(SELECT ''::text AS month, entry.* FROM ${Prisma.raw(table)} entry WHERE false)`;
	return Prisma.sql`(${Prisma.join(parts, ' UNION ALL ')})`;
}

/** The month that a moment is in, looked up: a hundred times cheaper than writing it as text. Null before the first. */
export function monthIn({ keys, starts }: Months, column: Prisma.Sql): Prisma.Sql {
	const begins = starts.map((start) => start.toISOString());
	return Prisma.sql`(${keys}::text[])[width_bucket(${column}, ${begins}::timestamptz[])]`;
}

/** `2026-11` of a column of moments. */
export function monthOf(column: Prisma.Sql, zone: string): Prisma.Sql {
	return Prisma.sql`to_char(${column} AT TIME ZONE ${zone}, 'YYYY-MM')`;
}

/** First moment of `2026-11` in a zone. */
export function startOf(month: string, zone: string): Date {
	const [year, number] = month.split('-').map(Number) as [number, number];
	// The middle of a month is in it everywhere.
	return addMonths(new Date(Date.UTC(year, number - 1, 15)), 0, zone);
}

/**
 * Sums every month of `zone` as far as the last midnight before `at`, where it is not summed so far or in another zone,
 * one after the other. Each is a transaction of its own: who is killed has lost one month's work, and who runs twice
 * finds nothing to do.
 * @returns the months that were summed
 */
export async function closeMonths(at: Date, zone: string): Promise<string[]> {
	const [bounds] = await db.$queryRaw<{ first: Date | null; midnight: Date }[]>`
		SELECT least((SELECT min(at) FROM mrr_movements), (SELECT min(created_at) FROM invoices),
				(SELECT min(created_at) FROM refunds)) AS first,
			date_trunc('day', ${at}::timestamptz, ${zone}) AS midnight`;
	const { first, midnight } = bounds!;
	if (first === null) return [];
	const rows = await db.figureMonth.findMany({ where: { timeZone: zone } });
	const summed = new Map(rows.map((row) => [row.month, row.summedUntil]));
	const closed: string[] = [];
	for (let from = startOfMonth(first, zone); from < midnight; from = addMonths(from, 1, zone)) {
		const next = addMonths(from, 1, zone);
		const to = next < midnight ? next : midnight;
		const month = monthKey(from, zone);
		const known = summed.get(month);
		if (known && known >= to) continue;
		await closeMonth({ month, from, to, zone, at });
		closed.push(month);
	}
	return closed;
}

async function closeMonth(span: {
	month: string;
	from: Date;
	to: Date;
	zone: string;
	at: Date;
}): Promise<void> {
	const { month, from, to, zone, at } = span;
	await transaction(async (tx) => {
		// First of all, so that what follows sees the rows of everybody who held it.
		await lock(tx, LOCK);
		await tx.mrrMonth.deleteMany({ where: { month } });
		await tx.revenueMonth.deleteMany({ where: { month } });
		await tx.$executeRaw`
			INSERT INTO mrr_months (id, month, currency, plan_key, country, cohort, new, expansion, contraction, churn, reactivation,
				customers_new, customers_back, customers_lost)
			SELECT gen_random_uuid(), ${month}, movement.currency, coalesce(movement.plan_key, ''), coalesce(customer.country, ''),
				coalesce(${monthOf(Prisma.sql`customer.first_paid_at`, zone)}, ${month}), ${movementSums}
			FROM mrr_movements movement JOIN customers customer ON customer.id = movement.customer_id
			WHERE movement.at >= ${from} AND movement.at < ${to}
			GROUP BY 3, 4, 5, 6`;
		// All of a month in one row, without a cohort: most figures need no more than that.
		await tx.$executeRaw`
			INSERT INTO mrr_months (id, month, currency, cohort, new, expansion, contraction, churn, reactivation,
				customers_new, customers_back, customers_lost)
			SELECT gen_random_uuid(), month, currency, '', sum(new), sum(expansion), sum(contraction), sum(churn), sum(reactivation),
				sum(customers_new), sum(customers_back), sum(customers_lost)
			FROM mrr_months WHERE month = ${month} GROUP BY month, currency`;
		await tx.$executeRaw`
			INSERT INTO revenue_months (id, month, currency, plan_key, country, invoices, paid, tax, refunded)
			SELECT gen_random_uuid(), month, currency, plan_key, country, sum(invoices), sum(paid), sum(tax), sum(refunded)
			FROM (${revenueRows([{ month, from, to }], null)}) AS money GROUP BY month, currency, plan_key, country`;
		const data = { timeZone: zone, summedUntil: to, summedAt: at };
		await tx.figureMonth.upsert({ where: { month }, create: { month, ...data }, update: data });
	});
}

/** The columns of a cube of movements, from `mrr_movements movement`. */
export const movementSums = Prisma.sql`
	coalesce(sum(movement.amount) FILTER (WHERE movement.kind = 'new'), 0) AS new,
	coalesce(sum(movement.amount) FILTER (WHERE movement.kind = 'expansion'), 0) AS expansion,
	coalesce(sum(movement.amount) FILTER (WHERE movement.kind = 'contraction'), 0) AS contraction,
	coalesce(sum(movement.amount) FILTER (WHERE movement.kind = 'churn'), 0) AS churn,
	coalesce(sum(movement.amount) FILTER (WHERE movement.kind = 'reactivation'), 0) AS reactivation,
	count(*) FILTER (WHERE movement.customers > 0 AND movement.kind <> 'reactivation') AS customers_new,
	count(*) FILTER (WHERE movement.customers > 0 AND movement.kind = 'reactivation') AS customers_back,
	count(*) FILTER (WHERE movement.customers < 0) AS customers_lost`;

/**
 * What came in and went back within spans: one row for each paid invoice and each refund that arrived.
 * @param currency null: all of them
 */
export function revenueRows(spans: Months['spans'], currency: string | null): Prisma.Sql {
	return Prisma.sql`
		SELECT month, currency, coalesce(plan_key, '') AS plan_key, coalesce(country, '') AS country,
			1 AS invoices, amount_paid::bigint AS paid,
			-- Of an invoice that credit paid in part, the part of its tax.
			CASE WHEN total > 0 THEN round(tax::numeric * least(amount_paid, total) / total)::bigint ELSE 0 END AS tax,
			0::bigint AS refunded
		FROM ${rowsWithin(spans, 'invoices', currency)} AS paid_invoice WHERE amount_paid > 0
		UNION ALL
		SELECT back.month, back.currency, coalesce(invoice.plan_key, ''), coalesce(invoice.country, customer.country, ''),
			0, 0, 0, back.amount
		FROM (
			SELECT month, currency, customer_id, invoice_id, amount
			FROM ${rowsWithin(spans, 'refunds', currency)} AS refund WHERE status = 'succeeded'
			UNION ALL
			-- One that we lost is a refund that the bank made.
			SELECT month, currency, customer_id, invoice_id, amount
			FROM ${rowsWithin(spans, 'disputes', currency)} AS dispute WHERE status = 'lost'
		) AS back
		JOIN customers customer ON customer.id = back.customer_id
		LEFT JOIN invoices invoice ON invoice.id = back.invoice_id`;
}
