import { Prisma } from '#prisma/generated/client.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { contains, pageOfRows, type PageMeta, type PageRequest } from '#lib/core/paging.server.ts';
import type { ListSpec } from '#lib/ui/list-query.ts';
import { isDunningAct } from './dunningWords.ts';

export const DUNNING_LIST = {
	sort: ['started_at', 'next_at', 'owed', 'customer'],
	defaultSort: 'next_at',
	filters: ['state', 'next', 'customer']
} as const satisfies ListSpec;

export interface DunningQuery extends PageRequest {
	/** Looks in the company, its contact and address, and in the names of its instances. */
	q: string;
	sort: { key: string; direction: 'asc' | 'desc' };
	filters: { state?: string; next?: string; customer?: string };
}

type Sort = { sortBy: Prisma.Sql; sortType: 'timestamptz' | 'text' | 'int8' };
const SORTS: Record<string, Sort> = {
	started_at: { sortBy: Prisma.sql`dunning.started_at`, sortType: 'timestamptz' },
	// What has nothing to come is at the end.
	next_at: {
		sortBy: Prisma.sql`coalesce(dunning.next_at, '9999-12-31'::timestamptz)`,
		sortType: 'timestamptz'
	},
	owed: { sortBy: Prisma.sql`dunning.owed`, sortType: 'int8' },
	customer: { sortBy: Prisma.sql`lower(customer.company_name)`, sortType: 'text' }
};

const ROW = {
	id: true,
	startedAt: true,
	graceUntil: true,
	closedAt: true,
	outcome: true,
	held: true,
	owed: true,
	currency: true,
	nextAct: true,
	nextAt: true,
	policy: { select: { name: true, version: true } },
	subscription: {
		select: {
			id: true,
			status: true,
			paidThrough: true,
			customer: { select: { id: true, companyName: true, email: true } },
			plan: { select: { name: true } },
			tenants: {
				where: { status: { notIn: ['deleted', 'refunded'] } },
				orderBy: { createdAt: 'asc' },
				take: 3,
				select: { id: true, slug: true, status: true }
			}
		}
	}
} as const satisfies Prisma.DunningCaseSelect;

export type DunningRow = Prisma.DunningCaseGetPayload<{ select: typeof ROW }>;

/** One page of the cases that a search and its filters leave: those that are open, unless others are asked for. */
export async function listDunning(
	tx: Tx,
	query: DunningQuery
): Promise<{ rows: DunningRow[]; meta: PageMeta }> {
	return pageOfRows(
		tx,
		{
			from: Prisma.sql`dunning_cases AS dunning JOIN customers AS customer ON customer.id = dunning.customer_id`,
			where: whereOf(query),
			...(SORTS[query.sort.key] ?? SORTS.next_at!),
			direction: query.sort.direction,
			id: Prisma.sql`dunning.id`
		},
		query,
		(id) => tx.dunningCase.findMany({ where: { id }, select: ROW })
	);
}

const STATES: Record<string, Prisma.Sql> = {
	open: Prisma.sql`dunning.closed_at IS NULL`,
	held: Prisma.sql`dunning.closed_at IS NULL AND dunning.held IS NOT NULL`,
	suspended: Prisma.sql`dunning.closed_at IS NULL AND EXISTS (
		SELECT 1 FROM subscriptions WHERE subscriptions.id = dunning.subscription_id AND subscriptions.status = 'suspended')`,
	paid: Prisma.sql`dunning.outcome = 'paid'`,
	lost: Prisma.sql`dunning.outcome IN ('ended', 'cancelled')`,
	stopped: Prisma.sql`dunning.outcome IN ('stopped', 'voided')`,
	all: Prisma.sql`true`
};
export const DUNNING_STATES = Object.keys(STATES);

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function whereOf({ q, filters }: DunningQuery): Prisma.Sql {
	const conditions = [STATES[filters.state ?? 'open'] ?? STATES.open!];
	if (filters.next && isDunningAct(filters.next))
		conditions.push(Prisma.sql`dunning.next_act = ${filters.next}::dunning_act_kind`);
	if (filters.customer && UUID.test(filters.customer))
		conditions.push(Prisma.sql`dunning.customer_id = ${filters.customer}::uuid`);
	if (q) {
		const pattern = contains(q);
		conditions.push(Prisma.sql`(
			lower(customer.company_name || ' ' || customer.full_name || ' ' || customer.email) LIKE ${pattern}
			OR EXISTS (SELECT 1 FROM tenant_deployments tenant
				WHERE tenant.subscription_id = dunning.subscription_id AND tenant.subdomain LIKE ${pattern}))`);
	}
	return Prisma.join(conditions, ' AND ');
}

/** How many cases are open, and what they owe by currency. */
export async function dunningTotals(tx: Tx) {
	const rows = await tx.dunningCase.groupBy({
		by: ['currency'],
		where: { closedAt: null },
		_sum: { owed: true },
		_count: true
	});
	const suspended = await tx.dunningCase.count({
		where: { closedAt: null, subscription: { status: 'suspended' } }
	});
	return {
		open: rows.reduce((sum, row) => sum + row._count, 0),
		suspended,
		owed: rows.map(({ currency, _sum }) => ({ currency, amount: _sum.owed ?? 0 }))
	};
}
