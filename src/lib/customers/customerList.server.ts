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
import { isCustomerStatus } from './words.ts';

export const CUSTOMER_LIST = {
	sort: ['created_at', 'company_name', 'full_name', 'email'],
	defaultSort: '-created_at',
	filters: ['plan', 'status', 'country']
} as const satisfies ListSpec;

export interface CustomerQuery extends PageRequest {
	/** Looks in company, contact and address. */
	q: string;
	sort: { key: string; direction: 'asc' | 'desc' };
	filters: {
		/** Key of a plan, or `none`. */
		plan?: string;
		/** One or more, separated by commas. */
		status?: string;
		/** ISO 3166-1 alpha-2. */
		country?: string;
	};
}

type Sort = { sortBy: Prisma.Sql; sortType: 'timestamptz' | 'text' };
const SORTS: Record<string, Sort> = {
	created_at: { sortBy: Prisma.sql`customer.created_at`, sortType: 'timestamptz' },
	company_name: { sortBy: Prisma.sql`customer.company_name`, sortType: 'text' },
	full_name: { sortBy: Prisma.sql`customer.full_name`, sortType: 'text' },
	email: { sortBy: Prisma.sql`customer.email`, sortType: 'text' }
};

/** One page of the customers that a search and its filters leave, whole. Deleted ones show only when they are asked for. */
export async function listCustomers(tx: Tx, query: CustomerQuery) {
	const { sortBy, sortType } = SORTS[query.sort.key] ?? SORTS.created_at!;
	return pageOfRows(
		tx,
		{
			from: Prisma.sql`customers AS customer`,
			where: await whereOf(tx, query),
			sortBy,
			sortType,
			direction: query.sort.direction,
			id: Prisma.sql`customer.id`
		},
		query,
		(id) => tx.customer.findMany({ where: { id } })
	);
}

const rowSelect = {
	id: true,
	companyName: true,
	fullName: true,
	email: true,
	phone: true,
	country: true,
	taxId: true,
	planKey: true,
	status: true,
	createdAt: true
} satisfies Prisma.CustomerSelect;

export type CustomerRow = Prisma.CustomerGetPayload<{ select: typeof rowSelect }>;

/** The same with what the table and its file show. */
export async function listCustomerRows(
	tx: Tx,
	query: CustomerQuery
): Promise<{ rows: CustomerRow[]; meta: PageMeta }> {
	const { sortBy, sortType } = SORTS[query.sort.key] ?? SORTS.created_at!;
	return pageOfRows(
		tx,
		{
			from: Prisma.sql`customers AS customer`,
			where: await whereOf(tx, query),
			sortBy,
			sortType,
			direction: query.sort.direction,
			id: Prisma.sql`customer.id`
		},
		query,
		(id) => tx.customer.findMany({ where: { id }, select: rowSelect })
	);
}

/** Countries that customers are of, for the filter. Jumps from one to the next in the index, however many customers there are. */
export async function customerCountries(tx: Tx): Promise<string[]> {
	const rows = await tx.$queryRaw<{ country: string }[]>`
		WITH RECURSIVE found AS (
			(SELECT country FROM customers WHERE country IS NOT NULL ORDER BY country LIMIT 1)
			UNION ALL
			SELECT (SELECT country FROM customers WHERE country > found.country ORDER BY country LIMIT 1)
			FROM found WHERE found.country IS NOT NULL
		) SELECT country FROM found WHERE country IS NOT NULL`;
	return rows.map(({ country }) => country.trim());
}

async function whereOf(tx: Tx, { q, filters }: CustomerQuery): Promise<Prisma.Sql> {
	const conditions = [statusCondition(filters.status)];
	if (filters.plan === 'none') conditions.push(Prisma.sql`customer.plan_key IS NULL`);
	else if (filters.plan) conditions.push(Prisma.sql`customer.plan_key = ${filters.plan}`);
	if (filters.country)
		conditions.push(
			Prisma.sql`customer.country = ${filters.country.toUpperCase().slice(0, 2)}::char(2)`
		);
	if (q) conditions.push(await searchCondition(tx, contains(q)));
	return Prisma.join(conditions, ' AND ');
}

function statusCondition(status: string | undefined): Prisma.Sql {
	const asked = (status ?? '').split(',').filter(isCustomerStatus);
	if (asked.length === 0) return Prisma.sql`customer.status <> 'deleted'`;
	return oneOf(Prisma.sql`customer.status`, asked, 'customer_status');
}

/** More than these are so common that walking the list in its order meets a page of them soon. */
const RARE = 1_000;

const WORDS = Prisma.sql`lower(company_name || ' ' || full_name || ' ' || email)`;

/** Who is searched for by a rare word is looked up first: the planner cannot know how rare it is. */
async function searchCondition(tx: Tx, pattern: string): Promise<Prisma.Sql> {
	const found = await tx.$queryRaw<{ id: string }[]>`
		SELECT id FROM customers WHERE ${WORDS} LIKE ${pattern} LIMIT ${RARE + 1}`;
	if (found.length <= RARE)
		return Prisma.sql`customer.id = ANY(${found.map(({ id }) => id)}::uuid[])`;
	return Prisma.sql`lower(customer.company_name || ' ' || customer.full_name || ' ' || customer.email) LIKE ${pattern}`;
}
