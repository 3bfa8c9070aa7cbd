import { Prisma } from '#prisma/generated/client.ts';
import { TenantStatus } from '#prisma/generated/enums.ts';
import type { Tx } from '#lib/core/db.server.ts';
import {
	contains,
	oneOf,
	type PageMeta,
	pageOfRows,
	type PageRequest
} from '#lib/core/paging.server.ts';
import type { ListSpec } from '#lib/ui/list-query.ts';
import { tenantSelect, tenantViews, type TenantView } from './tenantView.server.ts';

export const TENANT_LIST = {
	sort: ['created_at', 'subdomain', 'status'],
	defaultSort: '-created_at',
	filters: ['status', 'plan', 'node']
} as const satisfies ListSpec;

export interface TenantQuery extends PageRequest {
	/** Looks in the name, the company, its contact and address. */
	q: string;
	sort: { key: string; direction: 'asc' | 'desc' };
	filters: { status?: string; plan?: string; node?: string };
}

const SORTS: Record<string, { sortBy: Prisma.Sql; sortType: 'timestamptz' | 'text' }> = {
	created_at: { sortBy: Prisma.sql`tenant.created_at`, sortType: 'timestamptz' },
	subdomain: { sortBy: Prisma.sql`tenant.subdomain`, sortType: 'text' },
	status: { sortBy: Prisma.sql`tenant.status::text`, sortType: 'text' }
};

/** One page of the tenants that a search and its filters leave. Deleted ones show only when they are asked for. */
export async function listTenants(
	tx: Tx,
	query: TenantQuery
): Promise<{ rows: TenantView[]; meta: PageMeta }> {
	const { rows, meta } = await pageOfRows(
		tx,
		{
			from: Prisma.sql`tenant_deployments AS tenant`,
			where: await whereOf(tx, query),
			...(SORTS[query.sort.key] ?? SORTS.created_at!),
			direction: query.sort.direction,
			id: Prisma.sql`tenant.id`
		},
		query,
		(id) => tx.tenant.findMany({ where: { id }, select: tenantSelect })
	);
	return { rows: await tenantViews(tx, rows), meta };
}

async function whereOf(tx: Tx, { q, filters }: TenantQuery): Promise<Prisma.Sql> {
	const conditions = [statusCondition(filters.status)];
	if (filters.plan) {
		// Looked up first, so that the planner knows how many tenants have it.
		const plans = await tx.plan.findMany({ where: { key: filters.plan }, select: { id: true } });
		conditions.push(Prisma.sql`tenant.plan_id = ANY(${plans.map(({ id }) => id)}::uuid[])`);
	}
	if (filters.node) {
		conditions.push(Prisma.sql`tenant.container_id IN (
			SELECT container.id FROM lxc_containers container JOIN proxmox_nodes node ON node.id = container.node_id
			WHERE node.name = ${filters.node})`);
	}
	if (q) conditions.push(await searchCondition(tx, contains(q)));
	return Prisma.join(conditions, ' AND ');
}

function statusCondition(status: string | undefined): Prisma.Sql {
	const asked = (status ?? '')
		.split(',')
		.filter((name): name is TenantStatus => name in TenantStatus);
	if (asked.length === 0) return Prisma.sql`tenant.status NOT IN ('deleted', 'refunded')`;
	return oneOf(Prisma.sql`tenant.status`, asked, 'tenant_status');
}

/** More than these are so common that walking the list in its order meets a page of them soon. */
const RARE = 1_000;

/**
 * Who is searched for by a rare word is looked up first: with the two places where it may be, the planner would rather
 * read every tenant.
 */
async function searchCondition(tx: Tx, pattern: string): Promise<Prisma.Sql> {
	const found = await tx.$queryRaw<{ id: string }[]>`
		SELECT id FROM (
			SELECT id FROM tenant_deployments WHERE subdomain LIKE ${pattern}
			UNION ALL
			SELECT tenant.id FROM customers customer JOIN tenant_deployments tenant ON tenant.customer_id = customer.id
			WHERE lower(customer.company_name || ' ' || customer.full_name || ' ' || customer.email) LIKE ${pattern}
		) AS match LIMIT ${RARE + 1}`;
	if (found.length <= RARE)
		return Prisma.sql`tenant.id = ANY(${found.map(({ id }) => id)}::uuid[])`;
	return Prisma.sql`(tenant.subdomain LIKE ${pattern} OR tenant.customer_id IN (
		SELECT id FROM customers WHERE lower(company_name || ' ' || full_name || ' ' || email) LIKE ${pattern}))`;
}
