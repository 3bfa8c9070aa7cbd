import { Prisma } from '#prisma/generated/client.ts';
import type { Tx } from '#lib/core/db.server.ts';
import {
	contains,
	oneOf,
	type PageMeta,
	pageOfRows,
	type PageRequest
} from '#lib/core/paging.server.ts';
import type { ListSpec } from '#lib/ui/list-query.ts';
import { addMonths } from '#lib/core/dates.ts';
import { setting } from '#lib/settings/settings.server.ts';
import { startOf } from './figureMonths.server.ts';
import { hadTrial } from './figureTrials.server.ts';
import { isMovementKind, isSubscriptionStatus } from './words.ts';

interface Query extends PageRequest {
	/** Looks in the company, its contact and address. */
	q: string;
	sort: { key: string; direction: 'asc' | 'desc' };
}

export const SUBSCRIPTION_LIST = {
	sort: ['created_at', 'mrr'],
	defaultSort: '-mrr',
	filters: ['status', 'plan', 'currency', 'worth', 'trial']
} satisfies ListSpec;

export const MOVEMENT_LIST = {
	sort: ['at'],
	defaultSort: '-at',
	filters: ['kind', 'currency', 'month', 'from', 'until', 'heads', 'plan']
} satisfies ListSpec;

const subscriptionSelect = {
	id: true,
	status: true,
	billingMode: true,
	currency: true,
	mrr: true,
	createdAt: true,
	currentPeriodEnd: true,
	plan: { select: { name: true } },
	customer: { select: { companyName: true, email: true } },
	tenants: { select: { id: true, slug: true }, take: 1, orderBy: { createdAt: 'desc' } }
} satisfies Prisma.SubscriptionSelect;

export type SubscriptionRow = Prisma.SubscriptionGetPayload<{ select: typeof subscriptionSelect }>;

export interface SubscriptionFilters {
	/** One or several, `active,past_due`. */
	status?: string;
	/** A plan's key. */
	plan?: string;
	currency?: string;
	/** `some`: counts in the MRR; `none`. */
	worth?: string;
	/** `2026-11`: its trial ended in that month. */
	trial?: string;
	customerId?: string;
}

export interface MovementFilters {
	/** One or several, `churn,contraction`. */
	kind?: string;
	currency?: string;
	/** `2026-11` in the platform's zone. */
	month?: string;
	/** From the first of one month to the end of another, `2026-01`. */
	from?: string;
	until?: string;
	/** `gained` or `lost`: a customer came or left with it. */
	heads?: string;
	/** The plan after it. */
	plan?: string;
}

/** One page of the subscriptions: the rows behind the MRR. */
export async function listSubscriptions(
	tx: Tx,
	query: Query & { filters: SubscriptionFilters }
): Promise<{ rows: SubscriptionRow[]; meta: PageMeta }> {
	const { status, plan, customerId, currency, worth, trial } = query.filters;
	const conditions = [Prisma.sql`true`, ...ofCustomer(query.q), ...inCurrency(currency)];
	const statuses = several(status).filter(isSubscriptionStatus);
	if (statuses.length > 0)
		conditions.push(oneOf(Prisma.sql`entry.status`, statuses, 'subscription_status'));
	if (worth === 'some') conditions.push(Prisma.sql`entry.mrr > 0`);
	if (worth === 'none') conditions.push(Prisma.sql`entry.mrr = 0`);
	const ended = await spanOf(trial);
	if (ended)
		conditions.push(
			Prisma.sql`entry.trial_end >= ${ended.from} AND entry.trial_end < ${ended.to}`,
			hadTrial(Prisma.sql`entry`)
		);
	if (plan)
		conditions.push(Prisma.sql`entry.plan_id IN (SELECT id FROM plans WHERE key = ${plan})`);
	if (customerId) conditions.push(Prisma.sql`entry.customer_id = ${customerId}::uuid`);
	const byMrr = query.sort.key === 'mrr';
	return pageOfRows(
		tx,
		{
			from: Prisma.sql`subscriptions AS entry`,
			where: Prisma.join(conditions, ' AND '),
			sortBy: byMrr ? Prisma.sql`entry.mrr` : Prisma.sql`entry.created_at`,
			sortType: byMrr ? 'int8' : 'timestamptz',
			direction: query.sort.direction,
			id: Prisma.sql`entry.id`
		},
		query,
		(id) => tx.subscription.findMany({ where: { id }, select: subscriptionSelect })
	);
}

const movementSelect = {
	id: true,
	kind: true,
	amount: true,
	currency: true,
	planKey: true,
	customers: true,
	at: true,
	subscription: {
		select: {
			id: true,
			plan: { select: { name: true } },
			customer: { select: { id: true, companyName: true, email: true, country: true } },
			tenants: { select: { id: true, slug: true }, take: 1, orderBy: { createdAt: 'desc' } }
		}
	}
} satisfies Prisma.MrrMovementSelect;

export type MovementRow = Prisma.MrrMovementGetPayload<{ select: typeof movementSelect }>;

/** One page of what moved the MRR, newest first. */
export async function listMovements(
	tx: Tx,
	query: Query & { filters: MovementFilters }
): Promise<{ rows: MovementRow[]; meta: PageMeta }> {
	const { kind, currency, month, heads, plan } = query.filters;
	const conditions = [Prisma.sql`true`, ...ofCustomer(query.q), ...inCurrency(currency)];
	const kinds = several(kind).filter(isMovementKind);
	if (kinds.length > 0) conditions.push(oneOf(Prisma.sql`entry.kind`, kinds, 'movement_kind'));
	const span = await spanOf(month);
	const from = span ?? (await spanOf(query.filters.from));
	const until = span ?? (await spanOf(query.filters.until));
	if (from) conditions.push(Prisma.sql`entry.at >= ${from.from}`);
	if (until) conditions.push(Prisma.sql`entry.at < ${until.to}`);
	if (heads === 'gained') conditions.push(Prisma.sql`entry.customers = 1`);
	if (heads === 'lost') conditions.push(Prisma.sql`entry.customers = -1`);
	if (plan) conditions.push(Prisma.sql`entry.plan_key = ${plan}`);
	return pageOfRows(
		tx,
		{
			from: Prisma.sql`mrr_movements AS entry`,
			where: Prisma.join(conditions, ' AND '),
			sortBy: Prisma.sql`entry.at`,
			sortType: 'timestamptz',
			direction: query.sort.direction,
			id: Prisma.sql`entry.id`
		},
		query,
		(id) => tx.mrrMovement.findMany({ where: { id }, select: movementSelect })
	);
}

export type MrrChange = MovementRow & {
	/** What its customer was worth in this currency, minor units. */
	before: number;
	after: number;
};

/** One page of the same, with what each did to all that its customer is worth. */
export async function listMrrChanges(
	tx: Tx,
	query: Query & { filters: MovementFilters }
): Promise<{ rows: MrrChange[]; meta: PageMeta }> {
	const { rows, meta } = await listMovements(tx, query);
	const worths = await tx.$queryRaw<{ id: string; after: number }[]>`
		SELECT entry.id, (
			SELECT sum(earlier.amount)::float8 FROM mrr_movements AS earlier
			WHERE earlier.customer_id = entry.customer_id AND earlier.currency = entry.currency
				AND (earlier.at, earlier.id) <= (entry.at, entry.id)
		) AS after
		FROM mrr_movements AS entry WHERE entry.id = ANY(${rows.map(({ id }) => id)}::uuid[])`;
	const worth = new Map(worths.map(({ id, after }) => [id, after]));
	return {
		rows: rows.map((row) => {
			const after = worth.get(row.id) ?? 0;
			return { ...row, after, before: after - row.amount };
		}),
		meta
	};
}

function several(list: string | undefined): string[] {
	return (list ?? '').split(',').filter(Boolean);
}

function inCurrency(currency: string | undefined): Prisma.Sql[] {
	return currency ? [Prisma.sql`entry.currency = ${currency}`] : [];
}

/** A calendar month of the platform; null for what is none. */
async function spanOf(month: string | undefined): Promise<{ from: Date; to: Date } | null> {
	if (!month || !/^20\d\d-(0[1-9]|1[0-2])$/.test(month)) return null;
	const zone = await setting('general.timezone');
	const from = startOf(month, zone);
	return { from, to: addMonths(from, 1, zone) };
}

function ofCustomer(q: string): Prisma.Sql[] {
	if (!q) return [];
	const pattern = contains(q);
	return [
		Prisma.sql`entry.customer_id IN (
			SELECT id FROM customers WHERE lower(company_name || ' ' || full_name || ' ' || email) LIKE ${pattern})`
	];
}
