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
import { setting } from '../settings/settings.server.ts';
import { tenantSelect, tenantViews, type TenantView } from './tenantView.server.ts';
import { isBelow, type Looks, type Verdict } from './uptime/uptime.ts';
import { monthOf, tenantsBelow } from './uptime/uptime.server.ts';

export const TENANT_LIST = {
	sort: ['created_at', 'subdomain', 'status'],
	defaultSort: '-created_at',
	filters: ['status', 'plan', 'node', 'uptime']
} as const satisfies ListSpec;

export interface TenantQuery extends PageRequest {
	/** Looks in the name, the company, its contact and address. */
	q: string;
	sort: { key: string; direction: 'asc' | 'desc' };
	filters: { status?: string; plan?: string; node?: string; uptime?: string };
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
	const { rows, meta } = await pageOfTenants(tx, query, (id) =>
		tx.tenant.findMany({ where: { id }, select: tenantSelect })
	);
	return { rows: await tenantViews(tx, rows), meta };
}

/** What the table and its file show of a tenant. */
export interface TenantRow {
	id: string;
	subdomain: string;
	baseDomain: string;
	status: TenantStatus;
	/** Counts its changes, so that an act knows what was seen. */
	version: number;
	planKey: string;
	plan: string;
	companyName: string;
	email: string;
	/** Null until it has a container. */
	node: string | null;
	vmid: number | null;
	databaseName: string;
	createdAt: Date;
	activatedAt: Date | null;
	/** The step that its set-up has reached or failed in, from 1, of how many; null when none is under way. */
	step: string | null;
	stepNumber: number | null;
	steps: number | null;
	/** This month's looks against its plan; only when the list is filtered by them. */
	uptime?: Looks & { verdict: Verdict };
}

/** The same with what the table and its file show. */
export async function listTenantRows(
	tx: Tx,
	query: TenantQuery
): Promise<{ rows: TenantRow[]; meta: PageMeta }> {
	const page = await pageOfRowsShown(tx, query);
	if (!isBelow(query.filters.uptime)) return page;
	const zone = await setting('general.timezone');
	const ids = page.rows.map(({ id }) => id);
	const months = await monthOf(tx, ids, zone);
	return { ...page, rows: page.rows.map((row) => ({ ...row, uptime: months.get(row.id) })) };
}

function pageOfRowsShown(
	tx: Tx,
	query: TenantQuery
): Promise<{ rows: TenantRow[]; meta: PageMeta }> {
	return pageOfTenants(
		tx,
		query,
		({ in: ids }) => tx.$queryRaw<TenantRow[]>`
			SELECT tenant.id, tenant.subdomain, base_domain.name AS "baseDomain", tenant.status, tenant.version, plan.key AS "planKey", plan.name AS plan,
				customer.company_name AS "companyName", customer.email, node.name AS node, container.vmid,
				tenant.database_name AS "databaseName", tenant.created_at AS "createdAt", tenant.activated_at AS "activatedAt",
				reached.name AS step, reached.number AS "stepNumber", reached.steps
			FROM tenant_deployments tenant
			JOIN plans plan ON plan.id = tenant.plan_id
			JOIN customers customer ON customer.id = tenant.customer_id
			JOIN base_domains base_domain ON base_domain.id = tenant.base_domain_id
			LEFT JOIN lxc_containers container ON container.id = tenant.container_id
			LEFT JOIN proxmox_nodes node ON node.id = container.node_id
			LEFT JOIN LATERAL (
				SELECT id FROM provisioning_jobs
				WHERE subject_id = tenant.id AND tenant.status IN ('provisioning', 'failed')
				ORDER BY created_at DESC LIMIT 1
			) job ON true
			LEFT JOIN LATERAL (
				SELECT name, number, steps FROM (
					SELECT name, status, position, row_number() OVER (ORDER BY position)::int AS number, count(*) OVER ()::int AS steps
					FROM provisioning_steps WHERE job_id = job.id
				) step
				WHERE step.status NOT IN ('done', 'skipped') ORDER BY position LIMIT 1
			) reached ON true
			WHERE tenant.id = ANY(${ids}::uuid[])`
	);
}

async function pageOfTenants<Row extends { id: string }>(
	tx: Tx,
	query: TenantQuery,
	rowsOf: (id: { in: string[] }) => Promise<Row[]>
): Promise<{ rows: Row[]; meta: PageMeta }> {
	return pageOfRows(
		tx,
		{
			from: Prisma.sql`tenant_deployments AS tenant`,
			where: await whereOf(tx, query),
			...(SORTS[query.sort.key] ?? SORTS.created_at!),
			direction: query.sort.direction,
			id: Prisma.sql`tenant.id`
		},
		query,
		rowsOf
	);
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
	if (isBelow(filters.uptime)) {
		const ids = await tenantsBelow(tx, filters.uptime, await setting('general.timezone'));
		conditions.push(Prisma.sql`tenant.id = ANY(${ids}::uuid[])`);
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
