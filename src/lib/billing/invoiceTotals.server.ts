import { Prisma } from '#prisma/generated/client.ts';
import type { Tx } from '#lib/core/db.server.ts';
import {
	conditionsOf,
	isBroad,
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
	if (await monthOfPayment(filters)) return paidInMonth(tx, query);
	const { from, to } = await periodOf(tx, filters);
	const first = from && nextMonth(from);
	const last = to && monthOf(to);
	const plain = plainConditions(filters);
	if (first && last && first >= last) return summed(tx, [rowsOf(plain, from, to)]);
	const parts = [monthsOf(filters, first, last)];
	if (first && from < first) parts.push(rowsOf(plain, from, first));
	if (last && to > last) parts.push(rowsOf(plain, last, to));
	return summed(tx, parts);
}

/** What was paid in a month is a month's worth of rows, whatever there is besides. */
async function paidInMonth(tx: Tx, query: InvoicesQuery): Promise<InvoiceTotal[]> {
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

function monthsOf(
	{ status, currency, plan, country }: InvoicesQuery['filters'],
	first: Date | null,
	last: Date | null
): Prisma.Sql {
	const conditions = [Prisma.sql`true`];
	if (status) conditions.push(Prisma.sql`status = ${status}`);
	if (currency) conditions.push(Prisma.sql`currency = ${currency.toLowerCase()}`);
	if (plan) conditions.push(Prisma.sql`plan_key = ${plan}`);
	if (country) conditions.push(Prisma.sql`country = ${country.toUpperCase()}`);
	if (first) conditions.push(Prisma.sql`month >= ${isoDay(first)}::date`);
	if (last) conditions.push(Prisma.sql`month < ${isoDay(last)}::date`);
	return Prisma.sql`SELECT currency::text, invoices, total, paid, remaining, credited, refunded
		FROM invoice_months WHERE ${Prisma.join(conditions, ' AND ')}`;
}

function rowsOf(plain: Prisma.Sql[], from: Date | null, to: Date | null): Prisma.Sql {
	const where = Prisma.join(
		[Prisma.sql`invoice.created_at >= ${from}`, Prisma.sql`invoice.created_at < ${to}`, ...plain],
		' AND '
	);
	return Prisma.sql`SELECT currency::text, 1 AS invoices, total, amount_paid AS paid, amount_remaining AS remaining,
			credited_amount AS credited, refunded_amount AS refunded
		FROM invoices AS invoice WHERE ${where}`;
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
