import { Prisma } from '#prisma/generated/client.ts';
import type { BillingMode, MovementKind, SubscriptionStatus } from '#prisma/generated/enums.ts';
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

/** What the table and its file show of one. Money in minor units of `currency`. */
export interface SubscriptionRow {
	id: string;
	status: SubscriptionStatus;
	billingMode: BillingMode;
	currency: string;
	mrr: number;
	createdAt: Date;
	currentPeriodEnd: Date | null;
	plan: string;
	companyName: string;
	email: string;
	/** Name of its latest tenant. */
	slug: string | null;
}

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
		({ in: ids }) => tx.$queryRaw<SubscriptionRow[]>`
			SELECT entry.id, entry.status, entry.billing_mode AS "billingMode", entry.currency, entry.mrr, entry.created_at AS "createdAt",
				entry.current_period_end AS "currentPeriodEnd", plan.name AS plan, customer.company_name AS "companyName", customer.email,
				${latestTenant(Prisma.sql`entry.id`)} AS slug
			FROM subscriptions entry
			JOIN plans plan ON plan.id = entry.plan_id
			JOIN customers customer ON customer.id = entry.customer_id
			WHERE entry.id = ANY(${ids}::uuid[])`
	);
}

/** What the table and its file show of one. Money in minor units of `currency`. */
export interface MovementRow {
	id: string;
	kind: MovementKind;
	amount: number;
	currency: string;
	/** The plan after it, where it is known. */
	planKey: string | null;
	/** +1 when a customer came with it, -1 when one left. */
	customers: number;
	at: Date;
	subscriptionId: string;
	/** The name of the plan that the subscription has now. */
	plan: string;
	customerId: string;
	companyName: string;
	email: string;
	country: string | null;
	/** Name of the subscription's latest tenant. */
	slug: string | null;
}

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
		({ in: ids }) => tx.$queryRaw<MovementRow[]>`
			SELECT entry.id, entry.kind, entry.amount, entry.currency, entry.plan_key AS "planKey", entry.customers, entry.at,
				entry.subscription_id AS "subscriptionId", plan.name AS plan, entry.customer_id AS "customerId",
				customer.company_name AS "companyName", customer.email, customer.country,
				${latestTenant(Prisma.sql`entry.subscription_id`)} AS slug
			FROM mrr_movements entry
			JOIN subscriptions subscription ON subscription.id = entry.subscription_id
			JOIN plans plan ON plan.id = subscription.plan_id
			JOIN customers customer ON customer.id = entry.customer_id
			WHERE entry.id = ANY(${ids}::uuid[])`
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

/** Of a subscription of the customer of `entry`. */
function latestTenant(subscriptionId: Prisma.Sql): Prisma.Sql {
	return Prisma.sql`(SELECT tenant.subdomain FROM tenant_deployments tenant
		WHERE tenant.customer_id = entry.customer_id AND tenant.subscription_id = ${subscriptionId}
		ORDER BY tenant.created_at DESC LIMIT 1)`;
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
