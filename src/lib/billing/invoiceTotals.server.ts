import { Prisma } from '#prisma/generated/client.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { startOf } from './figureMonths.server.ts';
import {
	conditionsOf,
	isBroad,
	type MonthOfPayment,
	monthOfPayment,
	periodOf,
	plainConditions,
	type InvoicesQuery
} from './invoiceSearch.server.ts';

/** What is filtered, added up, in one currency. Minor units. */
export interface InvoiceTotal {
	currency: string;
	invoices: number;
	total: number;
	paid: number;
	remaining: number;
	credited: number;
	refunded: number;
}

/** What no sum by month answers is added up row by row, up to so many. */
const ADDED = 10_000;

const SUMS = Prisma.sql`count(*)::int AS invoices, sum(total)::float8 AS total, sum(amount_paid)::float8 AS paid,
	sum(amount_remaining)::float8 AS remaining, sum(credited_amount)::float8 AS credited, sum(refunded_amount)::float8 AS refunded`;

/**
 * The sums of everything that search and filters leave, by currency, whatever its size: whole months come from
 * `invoice_months`, the days around them from their rows.
 * @returns null when a search, or what is late, leaves more than 10,000: nobody added that up
 */
export async function invoiceTotals(tx: Tx, query: InvoicesQuery): Promise<InvoiceTotal[] | null> {
	const { filters, q } = query;
	if (q || filters.status === 'late') return counted(tx, query);
	const { from, to } = await periodOf(tx, filters);
	const paid = await monthOfPayment(filters);
	if (paid && (from || to)) return ofRows(tx, query);
	if (paid) return summed(tx, paidIn(filters, paid));
	const first = from && nextMonth(from);
	const last = to && monthOf(to);
	if (first && last && first >= last) return summed(tx, [issuedBetween(filters, from, to)]);
	const whole: Prisma.Sql[] = [];
	if (first) whole.push(Prisma.sql`month >= ${isoDay(first)}::date`);
	if (last) whole.push(Prisma.sql`month < ${isoDay(last)}::date`);
	const parts = [monthsOf(filters, whole)];
	if (first && from < first) parts.push(issuedBetween(filters, from, first));
	if (last && to > last) parts.push(issuedBetween(filters, last, to));
	return summed(tx, parts);
}

/** What was paid in a month, issued between two days: rows of a month at most. */
async function ofRows(tx: Tx, query: InvoicesQuery): Promise<InvoiceTotal[]> {
	return tx.$queryRaw<InvoiceTotal[]>`
		SELECT currency::text, ${SUMS} FROM invoices AS invoice WHERE ${await conditionsOf(tx, query)}
		GROUP BY currency ORDER BY invoices DESC, currency`;
}

async function counted(tx: Tx, query: InvoicesQuery): Promise<InvoiceTotal[] | null> {
	if (query.q && (await isBroad(tx, query.q))) return null;
	const where = await conditionsOf(tx, query);
	const totals = await tx.$queryRaw<InvoiceTotal[]>`
		SELECT currency, ${SUMS} FROM (
			SELECT invoice.* FROM invoices AS invoice WHERE ${where} LIMIT ${ADDED + 1}) AS added
		GROUP BY currency ORDER BY invoices DESC, currency`;
	const rows = totals.reduce((sum, { invoices }) => sum + invoices, 0);
	return rows > ADDED ? null : totals;
}

async function summed(tx: Tx, parts: Prisma.Sql[]): Promise<InvoiceTotal[]> {
	return tx.$queryRaw<InvoiceTotal[]>`
		SELECT currency, sum(invoices)::int AS invoices, sum(total)::float8 AS total, sum(paid)::float8 AS paid,
			sum(remaining)::float8 AS remaining, sum(credited)::float8 AS credited, sum(refunded)::float8 AS refunded
		FROM (${Prisma.join(parts, ' UNION ALL ')}) AS part
		GROUP BY currency HAVING sum(invoices) > 0 ORDER BY sum(invoices) DESC, currency`;
}

/**
 * The month in UTC, but for the hours by which the zone begins and ends it at another time: those rows are added, or
 * taken away.
 */
function paidIn(
	filters: InvoicesQuery['filters'],
	{ month, from, to }: MonthOfPayment
): Prisma.Sql[] {
	const parts = [monthsOf(filters, [Prisma.sql`paid_month = ${month}`])];
	const begins = startOf(month, 'UTC');
	const ends = nextMonth(new Date(begins.getTime() + 1));
	if (from > begins) parts.push(paidBetween(filters, begins, from, -1));
	if (from < begins) parts.push(paidBetween(filters, from, begins, 1));
	if (to > ends) parts.push(paidBetween(filters, ends, to, 1));
	if (to < ends) parts.push(paidBetween(filters, to, ends, -1));
	return parts;
}

function monthsOf(
	{ status, currency, plan, country }: InvoicesQuery['filters'],
	months: Prisma.Sql[]
): Prisma.Sql {
	const conditions = [Prisma.sql`true`, ...months];
	if (status) conditions.push(Prisma.sql`status = ${status}`);
	if (currency) conditions.push(Prisma.sql`currency = ${currency.toLowerCase()}`);
	if (plan) conditions.push(Prisma.sql`plan_key = ${plan}`);
	if (country) conditions.push(Prisma.sql`country = ${country.toUpperCase()}`);
	return Prisma.sql`SELECT currency::text, invoices, total, paid, remaining, credited, refunded
		FROM invoice_months WHERE ${Prisma.join(conditions, ' AND ')}`;
}

/** Rows issued from one moment until before another. */
function issuedBetween(
	filters: InvoicesQuery['filters'],
	from: Date | null,
	to: Date | null
): Prisma.Sql {
	return rowsOf(
		filters,
		Prisma.sql`invoice.created_at >= ${from} AND invoice.created_at < ${to}`,
		1
	);
}

/** Rows paid from one moment until before another. */
function paidBetween(
	filters: InvoicesQuery['filters'],
	from: Date,
	to: Date,
	sign: 1 | -1
): Prisma.Sql {
	return rowsOf(filters, Prisma.sql`invoice.paid_at >= ${from} AND invoice.paid_at < ${to}`, sign);
}

/** @param sign -1 where they are in the sum of a month and should not be */
function rowsOf(filters: InvoicesQuery['filters'], when: Prisma.Sql, sign: 1 | -1): Prisma.Sql {
	const of = (column: string) => Prisma.sql`${sign}::int * ${Prisma.raw(column)}`;
	return Prisma.sql`SELECT currency::text, ${sign}::int AS invoices, ${of('total')} AS total, ${of('amount_paid')} AS paid,
			${of('amount_remaining')} AS remaining, ${of('credited_amount')} AS credited, ${of('refunded_amount')} AS refunded
		FROM invoices AS invoice WHERE ${Prisma.join([when, ...plainConditions(filters)], ' AND ')}`;
}

/** The beginning of its month, in UTC as the sums are kept. */
function monthOf(at: Date): Date {
	return new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), 1));
}

/** The first month that begins at `at` or later. */
function nextMonth(at: Date): Date {
	const month = monthOf(at);
	if (month.getTime() === at.getTime()) return month;
	return new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1, 1));
}

function isoDay(at: Date): string {
	return at.toISOString().slice(0, 10);
}
