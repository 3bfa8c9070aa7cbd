import { addMonths, monthKey } from '#lib/core/dates.ts';
import { db, lock, transaction, type Tx } from '#lib/core/db.server.ts';
import { Prisma } from '#prisma/generated/client.ts';

/** Held alone by who closes months; triggers of what is summed hold it together with each other. */
const LOCK = 'billing.figures';

/** Where the sums of each month are: those that are closed in the cubes, everything else in its rows. */
export interface Months {
	zone: string;
	/** Rows from this moment on are not counted. */
	until: Date;
	/** Keys of the months whose sums are to be taken from the cubes. */
	closed: string[];
	/** What is to be summed from rows: spans of time that lie between the closed months, end excluded. */
	spans: { from: Date | null; to: Date }[];
}

/**
 * Divides all time until `at` (included) into months that are summed already and spans that are not.
 * @param zone months are those of this IANA zone; months that were closed in another one count as open
 */
export async function monthsUntil(tx: Tx, at: Date, zone: string): Promise<Months> {
	const rows = await tx.figureMonth.findMany({
		where: { timeZone: zone, month: { lt: monthKey(at, zone) } },
		orderBy: { month: 'asc' },
		select: { month: true }
	});
	// A moment has no end: the first one that is not counted any more.
	const until = new Date(at.getTime() + 1);
	const spans: Months['spans'] = [];
	let from: Date | null = null;
	for (const { month } of rows) {
		const begins = startOf(month, zone);
		if (from === null || from < begins) spans.push({ from, to: begins });
		from = addMonths(begins, 1, zone);
	}
	if (from === null || from < until) spans.push({ from, to: until });
	return { zone, until, closed: rows.map(({ month }) => month), spans };
}

/** The spans as rows `span (since, upto)`. */
export function spanRows({ spans }: Months): Prisma.Sql {
	const since = spans.map(({ from }) => from?.toISOString() ?? '-infinity');
	const upto = spans.map(({ to }) => to.toISOString());
	return Prisma.sql`unnest(${since}::timestamptz[], ${upto}::timestamptz[]) AS span (since, upto)`;
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
 * Sums every month of `zone` that is over at `at` and not summed yet, or was in another zone, one after the other. Each is a
 * transaction of its own: who is killed has lost one month's work, and who runs twice finds nothing to do.
 * @returns the months that were summed
 */
export async function closeMonths(at: Date, zone: string): Promise<string[]> {
	const open = await db.$queryRaw<{ month: string }[]>`
		SELECT month FROM (
			SELECT to_char(start, 'YYYY-MM') AS month FROM generate_series(
				date_trunc('month', (SELECT least(
					(SELECT min(at) FROM mrr_movements),
					(SELECT min(paid_at) FROM invoices),
					(SELECT min(created_at) FROM refunds))) AT TIME ZONE ${zone}),
				date_trunc('month', ${at}::timestamptz AT TIME ZONE ${zone}) - interval '1 month', interval '1 month') AS start
		) AS past
		WHERE NOT EXISTS (SELECT FROM figure_months figure WHERE figure.month = past.month AND time_zone = ${zone})
		ORDER BY month`;
	for (const { month } of open) await closeMonth(month, zone, at);
	return open.map(({ month }) => month);
}

async function closeMonth(month: string, zone: string, at: Date): Promise<void> {
	const from = startOf(month, zone);
	const to = addMonths(from, 1, zone);
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
		await tx.$executeRaw`
			INSERT INTO revenue_months (id, month, currency, plan_key, country, invoices, paid, tax, refunded)
			SELECT gen_random_uuid(), ${month}, currency, plan_key, country, sum(invoices), sum(paid), sum(tax), sum(refunded)
			FROM (${revenueRows(Prisma.sql`(SELECT ${from}::timestamptz AS since, ${to}::timestamptz AS upto) AS span`, null)}) AS money
			GROUP BY currency, plan_key, country`;
		const data = { timeZone: zone, summedAt: at };
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
 * What came in and went back within `span`: one row for each paid invoice and each refund that arrived.
 * @param currency null: all of them
 */
export function revenueRows(span: Prisma.Sql, currency: string | null): Prisma.Sql {
	const only = (column: Prisma.Sql) =>
		currency === null ? Prisma.empty : Prisma.sql`AND ${column} = ${currency}`;
	return Prisma.sql`
		SELECT invoice.paid_at AS at, invoice.currency, coalesce(invoice.plan_key, '') AS plan_key, coalesce(invoice.country, '') AS country,
			1 AS invoices, invoice.amount_paid::bigint AS paid,
			-- Of an invoice that credit paid in part, the part of its tax.
			CASE WHEN invoice.total > 0 THEN round(invoice.tax::numeric * least(invoice.amount_paid, invoice.total) / invoice.total)::bigint
				ELSE 0 END AS tax, 0::bigint AS refunded
		FROM ${span} JOIN invoices invoice ON invoice.paid_at >= span.since AND invoice.paid_at < span.upto
			${only(Prisma.sql`invoice.currency`)}
		WHERE invoice.amount_paid > 0
		UNION ALL
		SELECT refund.created_at, refund.currency, coalesce(invoice.plan_key, ''), coalesce(invoice.country, customer.country, ''),
			0, 0, 0, refund.amount
		FROM ${span} JOIN refunds refund ON refund.created_at >= span.since AND refund.created_at < span.upto
			${only(Prisma.sql`refund.currency`)}
		JOIN customers customer ON customer.id = refund.customer_id
		LEFT JOIN invoices invoice ON invoice.id = refund.invoice_id
		WHERE refund.status = 'succeeded'`;
}
