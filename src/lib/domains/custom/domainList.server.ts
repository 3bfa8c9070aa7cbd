import { z } from 'zod';
import { Prisma } from '#prisma/generated/client.ts';
import { CustomDomainStatus, DomainCertificate, DomainDriver } from '#prisma/generated/enums.ts';
import { DAY, now } from '#lib/core/clock.server.ts';
import type { Tx } from '#lib/core/db.server.ts';
import {
	contains,
	oneOf,
	type PageMeta,
	pageOfRows,
	type PageRequest
} from '#lib/core/paging.server.ts';
import type { ListSpec } from '#lib/ui/list-query.ts';
import { toUnicode } from '../punycode.ts';
import { nameTyped } from './typedDomain.server.ts';

export const DOMAIN_LIST = {
	sort: ['created_at', 'domain', 'certificate'],
	defaultSort: '-created_at',
	filters: ['status', 'driver', 'certificate', 'base', 'customer', 'tenant']
} as const satisfies ListSpec;

export interface DomainFilters {
	/** One or several, `pending,verifying`. Removed ones only when they are asked for. */
	status?: string;
	driver?: string;
	/** Its state, or `expiring`: it ends within three weeks. */
	certificate?: string;
	/** Name of a base domain. */
	base?: string;
	customer?: string;
	tenant?: string;
}

export interface DomainQuery extends PageRequest {
	/** Looks in the domain, the instance's name, the company, its contact and address. */
	q: string;
	sort: { key: string; direction: 'asc' | 'desc' };
	filters: DomainFilters;
}

/** What the table and its file show of one. */
export interface DomainRow {
	id: string;
	/** In punycode. */
	hostname: string;
	/** As people read it. */
	unicode: string;
	/** The platform's own name of its instance. */
	platformHost: string;
	tenantId: string;
	customerId: string;
	companyName: string;
	status: CustomDomainStatus;
	driver: DomainDriver;
	certificate: DomainCertificate;
	certificateIssuer: string | null;
	certificateExpiresAt: Date | null;
	isPrimary: boolean;
	/** It only sends on to this one, in punycode. */
	redirectTo: string | null;
	verifiedAt: Date | null;
	createdAt: Date;
	activatedAt: Date | null;
}

/** From here on the list calls a certificate one that ends soon: renewals begin a month before. */
export const EXPIRING_DAYS = 21;

const SORTS: Record<string, { sortBy: Prisma.Sql; sortType: 'timestamptz' | 'text' }> = {
	created_at: { sortBy: Prisma.sql`entry.created_at`, sortType: 'timestamptz' },
	domain: { sortBy: Prisma.sql`entry.external_domain`, sortType: 'text' },
	certificate: {
		sortBy: Prisma.sql`coalesce(entry.certificate_expires_at, 'infinity'::timestamptz)`,
		sortType: 'timestamptz'
	}
};

/** One page of customers' own domains that a search and its filters leave. */
export async function listDomainRows(
	tx: Tx,
	query: DomainQuery
): Promise<{ rows: DomainRow[]; meta: PageMeta }> {
	const { rows, meta } = await pageOfRows(
		tx,
		{
			from: Prisma.sql`custom_domains AS entry`,
			where: await whereOf(tx, query),
			...(SORTS[query.sort.key] ?? SORTS.created_at!),
			direction: query.sort.direction,
			id: Prisma.sql`entry.id`
		},
		query,
		({ in: ids }) => tx.$queryRaw<Omit<DomainRow, 'unicode'>[]>`
			SELECT entry.id, entry.external_domain AS hostname, tenant.subdomain || '.' || base_domain.name AS "platformHost",
				entry.tenant_deployment_id AS "tenantId", entry.customer_id AS "customerId", customer.company_name AS "companyName",
				entry.verification_status AS status, entry.driver, entry.ssl_status AS certificate,
				entry.certificate_issuer AS "certificateIssuer", entry.certificate_expires_at AS "certificateExpiresAt",
				entry.is_primary AS "isPrimary", target.external_domain AS "redirectTo", entry.verified_at AS "verifiedAt",
				entry.created_at AS "createdAt", entry.activated_at AS "activatedAt"
			FROM custom_domains entry
			JOIN tenant_deployments tenant ON tenant.id = entry.tenant_deployment_id
			JOIN base_domains base_domain ON base_domain.id = tenant.base_domain_id
			JOIN customers customer ON customer.id = entry.customer_id
			LEFT JOIN custom_domains target ON target.id = entry.redirect_to_id
			WHERE entry.id = ANY(${ids}::uuid[])`
	);
	return { rows: rows.map((row) => ({ ...row, unicode: toUnicode(row.hostname) })), meta };
}

async function whereOf(tx: Tx, { q, filters }: DomainQuery): Promise<Prisma.Sql> {
	const { status, driver, certificate, base, customer, tenant } = filters;
	const conditions = [statusCondition(status)];
	if (driver && driver in DomainDriver)
		conditions.push(Prisma.sql`entry.driver = ${driver}::domain_driver`);
	if (certificate && certificate in DomainCertificate)
		conditions.push(Prisma.sql`entry.ssl_status = ${certificate}::domain_certificate`);
	if (certificate === 'expiring') {
		const until = new Date(now().getTime() + EXPIRING_DAYS * DAY);
		conditions.push(
			Prisma.sql`coalesce(entry.certificate_expires_at, 'infinity'::timestamptz) < ${until}`
		);
	}
	if (base)
		conditions.push(Prisma.sql`entry.tenant_deployment_id IN (
			SELECT tenant.id FROM tenant_deployments tenant JOIN base_domains base_domain ON base_domain.id = tenant.base_domain_id
			WHERE base_domain.name = ${base})`);
	if (customer) conditions.push(ofId(Prisma.sql`entry.customer_id`, customer));
	if (tenant) conditions.push(ofId(Prisma.sql`entry.tenant_deployment_id`, tenant));
	if (q) conditions.push(await searchCondition(tx, q));
	return Prisma.join(conditions, ' AND ');
}

/** Nothing fits what is no id at all. */
function ofId(column: Prisma.Sql, id: string): Prisma.Sql {
	if (!z.uuid().safeParse(id).success) return Prisma.sql`false`;
	return Prisma.sql`${column} = ${id}::uuid`;
}

function statusCondition(status: string | undefined): Prisma.Sql {
	const asked = (status ?? '')
		.split(',')
		.filter((name): name is CustomDomainStatus => name in CustomDomainStatus);
	if (asked.length === 0) return Prisma.sql`entry.verification_status <> 'removed'`;
	return oneOf(Prisma.sql`entry.verification_status`, asked, 'custom_domain_status');
}

/** More than these are so common that walking the list in its order meets a page of them soon. */
const RARE = 1_000;

/** Who is searched for by a rare word is looked up first; see `tenantList.server.ts`. */
async function searchCondition(tx: Tx, q: string): Promise<Prisma.Sql> {
	const name = contains(nameTyped(q));
	const words = contains(q);
	const owners = Prisma.sql`SELECT id FROM customers
		WHERE lower(company_name || ' ' || full_name || ' ' || email) LIKE ${words}`;
	const tenants = Prisma.sql`SELECT id FROM tenant_deployments WHERE subdomain LIKE ${words}`;
	const found = await tx.$queryRaw<{ id: string }[]>`
		SELECT id FROM (
			SELECT id FROM custom_domains WHERE external_domain LIKE ${name}
			UNION ALL
			SELECT id FROM custom_domains WHERE tenant_deployment_id IN (${tenants})
			UNION ALL
			SELECT id FROM custom_domains WHERE customer_id IN (${owners})
		) AS match LIMIT ${RARE + 1}`;
	if (found.length <= RARE) return Prisma.sql`entry.id = ANY(${found.map(({ id }) => id)}::uuid[])`;
	return Prisma.sql`(entry.external_domain LIKE ${name} OR entry.tenant_deployment_id IN (${tenants})
		OR entry.customer_id IN (${owners}))`;
}
