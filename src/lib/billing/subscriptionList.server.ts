import { Prisma } from '#prisma/generated/client.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { contains, pageOfRows, type PageMeta, type PageRequest } from '#lib/core/paging.server.ts';
import type { ListSpec } from '#lib/ui/list-query.ts';
import { isMovementKind, isSubscriptionStatus } from './words.ts';

interface Query extends PageRequest {
	/** Looks in the company, its contact and address. */
	q: string;
	sort: { key: string; direction: 'asc' | 'desc' };
}

export const SUBSCRIPTION_LIST = {
	sort: ['created_at', 'mrr'],
	defaultSort: '-mrr',
	filters: ['status', 'plan']
} satisfies ListSpec;

export const MOVEMENT_LIST = {
	sort: ['at'],
	defaultSort: '-at',
	filters: ['kind']
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

/** One page of the subscriptions: the rows behind the MRR. */
export async function listSubscriptions(
	tx: Tx,
	query: Query & { filters: { status?: string; plan?: string } }
): Promise<{ rows: SubscriptionRow[]; meta: PageMeta }> {
	const { status, plan } = query.filters;
	const conditions = [Prisma.sql`true`, ...ofCustomer(query.q)];
	if (status && isSubscriptionStatus(status))
		conditions.push(Prisma.sql`entry.status = ${status}::subscription_status`);
	if (plan)
		conditions.push(Prisma.sql`entry.plan_id IN (SELECT id FROM plans WHERE key = ${plan})`);
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
	at: true,
	subscription: {
		select: {
			plan: { select: { name: true } },
			customer: { select: { companyName: true, email: true } },
			tenants: { select: { id: true, slug: true }, take: 1, orderBy: { createdAt: 'desc' } }
		}
	}
} satisfies Prisma.MrrMovementSelect;

export type MovementRow = Prisma.MrrMovementGetPayload<{ select: typeof movementSelect }>;

/** One page of what moved the MRR, newest first. */
export async function listMovements(
	tx: Tx,
	query: Query & { filters: { kind?: string } }
): Promise<{ rows: MovementRow[]; meta: PageMeta }> {
	const conditions = [Prisma.sql`true`, ...ofCustomer(query.q)];
	const { kind } = query.filters;
	if (kind && isMovementKind(kind))
		conditions.push(Prisma.sql`entry.kind = ${kind}::movement_kind`);
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

function ofCustomer(q: string): Prisma.Sql[] {
	if (!q) return [];
	const pattern = contains(q);
	return [
		Prisma.sql`entry.customer_id IN (
			SELECT id FROM customers WHERE lower(company_name || ' ' || full_name || ' ' || email) LIKE ${pattern})`
	];
}
