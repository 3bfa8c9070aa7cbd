import { z } from 'zod';
import { Prisma } from '#prisma/generated/client.ts';
import { cached } from '#lib/core/cache.server.ts';
import { addMonths } from '#lib/core/dates.ts';
import { type Tx, db } from '#lib/core/db.server.ts';
import { contains, pageOfRows, type PageMeta, type PageRequest } from '#lib/core/paging.server.ts';
import { day } from '#lib/logs/auditList.server.ts';
import { setting } from '#lib/settings/settings.server.ts';
import type { ListSpec } from '#lib/ui/list-query.ts';
import { startOf } from './figureMonths.server.ts';

export const INVOICES_LIST = {
	sort: ['issued_at', 'total', 'remaining'],
	defaultSort: '-issued_at',
	filters: ['status', 'currency', 'plan', 'country', 'from', 'to', 'paid']
} satisfies ListSpec;

/** Stripe's words, and `late`: open although a payment failed or its day has passed. */
export const INVOICE_STATES = ['open', 'late', 'paid', 'draft', 'uncollectible', 'void'] as const;

export interface InvoiceFilters {
	status?: string;
	currency?: string;
	/** Key of the plan that it was for. */
	plan?: string;
	/** ISO 3166 of the customer when it came about. */
	country?: string;
	/** Month in which it was paid, `2026-11`, in the zone of `general.timezone`. */
	paid?: string;
	/** First and last day of issue, `2026-11-21`, in the zone of `general.timezone`. */
	from?: string;
	to?: string;
}

export interface InvoicesQuery {
	/** Looks in number, company, contact and address. */
	q: string;
	filters: InvoiceFilters;
}

/** What every list and page of invoices says of one. */
export const invoiceFacts = {
	id: true,
	number: true,
	status: true,
	currency: true,
	total: true,
	amountPaid: true,
	amountRemaining: true,
	creditedAmount: true,
	refundedAmount: true,
	chargedBackAmount: true,
	attemptCount: true,
	paidOutOfBand: true,
	dueAt: true,
	paidAt: true,
	issuedAt: true,
	createdAt: true
} satisfies Prisma.InvoiceSelect;

/** What the table, its file and the API show of one: its facts, and whose it is. */
export type InvoicesRow = Prisma.InvoiceGetPayload<{ select: typeof invoiceFacts }> & {
	planKey: string | null;
	/** The name of the plan that its subscription has now. */
	plan: string | null;
	subscriptionId: string | null;
	customerId: string;
	companyName: string;
	email: string;
	country: string | null;
};

const SORTS: Record<string, { sortBy: Prisma.Sql; sortType: 'timestamptz' | 'int8' }> = {
	issued_at: { sortBy: Prisma.sql`invoice.created_at`, sortType: 'timestamptz' },
	total: { sortBy: Prisma.sql`invoice.total`, sortType: 'int8' },
	remaining: { sortBy: Prisma.sql`invoice.amount_remaining`, sortType: 'int8' }
};

/** One page of everybody's invoices. */
export async function searchInvoices(
	tx: Tx,
	query: InvoicesQuery & PageRequest & { sort: { key: string; direction: 'asc' | 'desc' } }
): Promise<{ rows: InvoicesRow[]; meta: PageMeta }> {
	return pageOfRows(
		tx,
		{
			from: Prisma.sql`invoices AS invoice`,
			where: await conditionsOf(tx, query),
			...(SORTS[query.sort.key] ?? SORTS.issued_at!),
			direction: query.sort.direction,
			id: Prisma.sql`invoice.id`
		},
		query,
		({ in: ids }) => tx.$queryRaw<InvoicesRow[]>`
			SELECT invoice.id, invoice.number, invoice.status, invoice.currency, invoice.total, invoice.amount_paid AS "amountPaid",
				invoice.amount_remaining AS "amountRemaining", invoice.credited_amount AS "creditedAmount",
				invoice.refunded_amount AS "refundedAmount", invoice.charged_back_amount AS "chargedBackAmount",
				invoice.attempt_count AS "attemptCount", invoice.paid_out_of_band AS "paidOutOfBand", invoice.due_at AS "dueAt",
				invoice.paid_at AS "paidAt", invoice.issued_at AS "issuedAt", invoice.created_at AS "createdAt",
				invoice.plan_key AS "planKey", plan.name AS plan, subscription.id AS "subscriptionId",
				customer.id AS "customerId", customer.company_name AS "companyName", customer.email, customer.country
			FROM invoices invoice
			JOIN customers customer ON customer.id = invoice.customer_id
			LEFT JOIN subscriptions subscription ON subscription.id = invoice.subscription_id
			LEFT JOIN plans plan ON plan.id = subscription.plan_id
			WHERE invoice.id = ANY(${ids}::uuid[])`
	);
}

/** Everything that search and filters leave, as one condition on `invoices AS invoice`. */
export async function conditionsOf(tx: Tx, query: InvoicesQuery): Promise<Prisma.Sql> {
	const { from, to } = await periodOf(tx, query.filters);
	const conditions = [...plainConditions(query.filters)];
	if (from) conditions.push(Prisma.sql`invoice.created_at >= ${from}`);
	if (to) conditions.push(Prisma.sql`invoice.created_at < ${to}`);
	const paid = await monthOfPayment(query.filters);
	if (paid)
		// What was paid was there before: the list in its order need not pass what came after.
		conditions.push(
			Prisma.sql`invoice.paid_at >= ${paid.from} AND invoice.paid_at < ${paid.to} AND invoice.created_at < ${paid.to}`
		);
	if (query.q) conditions.push(await found(tx, query.q));
	return conditions.length > 0 ? Prisma.join(conditions, ' AND ') : Prisma.sql`true`;
}

/** Without search and period. */
export function plainConditions({ status, currency, plan, country }: InvoiceFilters): Prisma.Sql[] {
	const conditions: Prisma.Sql[] = [];
	if (status === 'late')
		conditions.push(
			Prisma.sql`invoice.status = 'open' AND (invoice.attempt_count > 0 OR invoice.due_at < now())`
		);
	else if (status) conditions.push(Prisma.sql`invoice.status = ${status}`);
	if (currency) conditions.push(Prisma.sql`invoice.currency = ${currency.toLowerCase()}`);
	if (plan) conditions.push(Prisma.sql`invoice.plan_key = ${plan}`);
	if (country) conditions.push(Prisma.sql`invoice.country = ${country.toUpperCase()}`);
	return conditions;
}

export interface MonthOfPayment {
	/** `2026-11` */
	month: string;
	/** Its first moment in the platform's zone, and that of the month after it. */
	from: Date;
	to: Date;
}

/** Null when none is asked for. */
export async function monthOfPayment({ paid }: InvoiceFilters): Promise<MonthOfPayment | null> {
	if (!paid || !/^\d{4}-(0[1-9]|1[0-2])$/.test(paid)) return null;
	const zone = await setting('general.timezone');
	const from = startOf(paid, zone);
	return { month: paid, from, to: addMonths(from, 1, zone) };
}

/** The moments between which the days of a filter lie; the second is no part of it. */
export async function periodOf(
	tx: Tx,
	filters: InvoiceFilters
): Promise<{ from: Date | null; to: Date | null }> {
	const first = day(filters.from) ?? null;
	const last = day(filters.to) ?? null;
	if (!first && !last) return { from: null, to: null };
	const zone = await setting('general.timezone');
	const [row] = await tx.$queryRaw<{ from: Date | null; to: Date | null }[]>`
		SELECT (${first}::date)::timestamp AT TIME ZONE ${zone} AS "from",
			(${last}::date + 1)::timestamp AT TIME ZONE ${zone} AS "to"`;
	return row!;
}

/** Up to so many companies with the words are named one by one, so that the planner knows how few invoices that is. */
const NAMED_COMPANIES = 1_000;
/** With more than so many, every other row is one: each is asked for its company until the page is full. */
const BROAD = 10_000;

async function found(tx: Tx, q: string): Promise<Prisma.Sql> {
	const pattern = contains(q);
	const companies = await companiesWith(tx, pattern);
	const byNumber = Prisma.sql`lower(invoice.number) LIKE ${pattern}`;
	if (companies.length === 0) return byNumber;
	const byCompany =
		companies.length > BROAD
			? Prisma.sql`(SELECT ${wordsLike(pattern)} FROM customers WHERE customers.id = invoice.customer_id)`
			: companies.length > NAMED_COMPANIES
				? Prisma.sql`invoice.customer_id IN (SELECT id FROM customers WHERE ${wordsLike(pattern)})`
				: Prisma.sql`invoice.customer_id = ANY(${companies}::uuid[])`;
	return Prisma.sql`(${byNumber} OR ${byCompany})`;
}

/** True for words that so many companies have that nobody adds up their invoices. */
export async function isBroad(tx: Tx, q: string): Promise<boolean> {
	return (await companiesWith(tx, contains(q))).length > NAMED_COMPANIES;
}

async function companiesWith(tx: Tx, pattern: string): Promise<string[]> {
	const rows = await tx.$queryRaw<{ id: string }[]>`
		SELECT id FROM customers WHERE ${wordsLike(pattern)} LIMIT ${BROAD + 1}`;
	return rows.map(({ id }) => id);
}

/** The expression of the index `customers_search_trgm`. */
function wordsLike(pattern: string): Prisma.Sql {
	return Prisma.sql`lower(company_name || ' ' || full_name || ' ' || email) LIKE ${pattern}`;
}

const facets = z.object({
	currencies: z.array(z.string()),
	countries: z.array(z.string()),
	plans: z.array(z.object({ key: z.string(), name: z.string() }))
});

/** What the list can be narrowed down to: what there is, or was some seconds ago. */
export function invoiceFacets(): Promise<z.infer<typeof facets>> {
	return cached('billing.invoice-facets', 20, facets, readFacets);
}

async function readFacets(): Promise<z.infer<typeof facets>> {
	const [found] = await db.$queryRaw<
		{ currencies: string[]; countries: string[]; keys: string[] }[]
	>`
		SELECT coalesce(array_agg(DISTINCT currency::text), '{}') AS currencies,
			coalesce(array_agg(DISTINCT country) FILTER (WHERE country <> ''), '{}') AS countries,
			coalesce(array_agg(DISTINCT plan_key) FILTER (WHERE plan_key <> ''), '{}') AS keys
		FROM invoice_months WHERE invoices > 0`;
	const { currencies, countries, keys } = found!;
	const plans = await db.plan.findMany({
		where: { key: { in: keys } },
		orderBy: [{ key: 'asc' }, { version: 'desc' }],
		distinct: ['key'],
		select: { key: true, name: true }
	});
	return { currencies, countries, plans };
}
