import { Prisma } from '#prisma/generated/client.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { contains, pageOfRows, type PageMeta } from '#lib/core/paging.server.ts';
import type { ListQuery, ListSpec } from '#lib/ui/list-query.ts';
import { mirrorState, readDifferences } from './drift.ts';

export const PLAN_LIST = {
	sort: ['position', 'name', 'created_at'],
	defaultSort: 'position',
	filters: ['state', 'isolation']
} as const satisfies ListSpec;

const SORTS: Record<string, { sortBy: Prisma.Sql; sortType: 'timestamptz' | 'text' | 'int8' }> = {
	position: { sortBy: Prisma.sql`plan.position`, sortType: 'int8' },
	name: { sortBy: Prisma.sql`lower(plan.name)`, sortType: 'text' },
	created_at: { sortBy: Prisma.sql`plan.created_at`, sortType: 'timestamptz' }
};

/** Who pays a version, and what that is worth a month. */
export interface Payers {
	planId: string;
	customers: number;
	/** Minor units by currency. */
	mrr: { currency: string; amount: number }[];
}

/** Of each of these versions who pays it; a version that nobody pays is absent. Summed from an index alone. */
export async function payersOf(tx: Tx, planIds: string[]): Promise<Map<string, Payers>> {
	const rows = await tx.$queryRaw<
		{ planId: string; currency: string; customers: bigint; mrr: bigint }[]
	>`
		SELECT plan_id AS "planId", currency, count(*) AS customers, sum(mrr) AS mrr
		FROM subscriptions
		WHERE plan_id = ANY(${planIds}::uuid[]) AND status IN ('active', 'past_due', 'suspended')
		GROUP BY 1, 2 ORDER BY 4 DESC`;
	const payers = new Map<string, Payers>();
	for (const { planId, currency, customers, mrr } of rows) {
		const one = payers.get(planId) ?? { planId, customers: 0, mrr: [] };
		one.customers += Number(customers);
		if (mrr > 0n) one.mrr.push({ currency, amount: Number(mrr) });
		payers.set(planId, one);
	}
	return payers;
}

const include = {
	prices: { orderBy: [{ currency: 'asc' }, { interval: 'asc' }] },
	limits: true
} satisfies Prisma.PlanInclude;
type Row = Prisma.PlanGetPayload<{ include: typeof include }>;

export type PlanState = 'published' | 'hidden' | 'archived';

export function planState(plan: { replacedAt: Date | null; published: boolean }): PlanState {
	if (plan.replacedAt) return 'archived';
	return plan.published ? 'published' : 'hidden';
}

const STATES: Record<string, Prisma.Sql> = {
	published: Prisma.sql`plan.replaced_at IS NULL AND plan.published`,
	hidden: Prisma.sql`plan.replaced_at IS NULL AND NOT plan.published`,
	archived: Prisma.sql`plan.replaced_at IS NOT NULL`
};
const ISOLATIONS = new Set(['shared', 'dedicated', 'dedicated_ha']);

/** One page of the plans that a search and its filters leave: of each key its last version, with all that pay it. */
export async function listPlans(
	tx: Tx,
	query: ListQuery
): Promise<{ rows: PlanRow[]; meta: PageMeta }> {
	const { state, isolation } = query.filters;
	const conditions = [
		Prisma.sql`NOT EXISTS (SELECT 1 FROM plans later WHERE later.key = plan.key AND later.version > plan.version)`,
		STATES[state ?? ''] ?? Prisma.sql`true`
	];
	if (isolation && ISOLATIONS.has(isolation))
		conditions.push(Prisma.sql`plan.isolation = ${isolation}::isolation`);
	if (query.q)
		conditions.push(Prisma.sql`lower(plan.key || ' ' || plan.name) LIKE ${contains(query.q)}`);
	const { rows, meta } = await pageOfRows(
		tx,
		{
			from: Prisma.sql`plans AS plan`,
			where: Prisma.join(conditions, ' AND '),
			...(SORTS[query.sort.key] ?? SORTS.position!),
			direction: query.sort.direction,
			id: Prisma.sql`plan.id`
		},
		query,
		(id) => tx.plan.findMany({ where: { id }, include })
	);
	return { rows: await withPayers(tx, rows), meta };
}

async function withPayers(tx: Tx, rows: Row[]) {
	const versions = await versionsOf(
		tx,
		rows.map(({ key }) => key)
	);
	return rows.map((row) => {
		const own = versions.filter(({ key }) => key === row.key);
		const mrr = new Map<string, number>();
		for (const { currency, amount } of own.flatMap((one) => one.mrr))
			mrr.set(currency, (mrr.get(currency) ?? 0) + amount);
		return {
			...row,
			state: planState(row),
			mirror: mirrorOf(row),
			differences: readDifferences(row.stripeDifferences),
			/** Versions that somebody pays, the newest first. */
			paid: own.filter(({ customers }) => customers > 0),
			customers: own.reduce((sum, { customers }) => sum + customers, 0),
			mrr: [...mrr].map(([currency, amount]) => ({ currency, amount }))
		};
	});
}

export type PlanRow = Awaited<ReturnType<typeof withPayers>>[number];

export function mirrorOf(row: Row) {
	return mirrorState({
		...row,
		known: row.prices.filter(({ stripePriceId }) => stripePriceId).length
	});
}

/** Every version of these plans, the newest first, with who pays it. */
export async function versionsOf(tx: Tx, keys: string[]) {
	const rows = await tx.plan.findMany({
		where: { key: { in: keys } },
		include,
		orderBy: [{ key: 'asc' }, { version: 'desc' }]
	});
	const payers = await payersOf(
		tx,
		rows.map(({ id }) => id)
	);
	return rows.map((row) => ({
		...row,
		customers: payers.get(row.id)?.customers ?? 0,
		mrr: payers.get(row.id)?.mrr ?? [],
		mirror: mirrorOf(row)
	}));
}

export type PlanVersion = Awaited<ReturnType<typeof versionsOf>>[number];
