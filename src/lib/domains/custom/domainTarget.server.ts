import { z } from 'zod';
import type { Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { m } from '#i18n/paraglide/messages.js';

/** Instances that take no domain any more. */
const GONE = ['deleting', 'deleted', 'refunded'] as const;

/**
 * The instance that somebody names for a domain: by its id or its subdomain, or by its customer when that one has a single
 * instance.
 * @throws {AppError} BAD_INPUT beside `tenant` or `customer_id`
 */
export async function namedTenant(
	tx: Tx,
	named: { tenant?: string; customerId?: string }
): Promise<{ id: string; customerId: string }> {
	const refused = (field: string, sentence: string) =>
		new AppError('BAD_INPUT', { fields: { [field]: sentence } });
	const { tenant, customerId } = named;
	if (!tenant && !customerId) throw refused('tenant', m.domains_target_missing());
	const isId = z.uuid().safeParse(tenant).success;
	const found = await tx.tenant.findMany({
		where: {
			...(tenant && (isId ? { id: tenant } : { slug: tenant.toLowerCase() })),
			...(customerId && { customerId }),
			status: { notIn: [...GONE] }
		},
		select: { id: true, customerId: true },
		take: 2
	});
	const [one, another] = found;
	if (one && !another) return one;
	if (tenant) throw refused('tenant', m.domains_target_no_tenant({ tenant }));
	if (one) throw refused('tenant', m.domains_target_several());
	throw refused('customer_id', m.domains_target_none());
}

/** An instance that a domain can be given to, as it is chosen from. */
export interface TargetChoice {
	tenantId: string;
	/** Its own name under a domain of ours. */
	host: string;
	customerId: string;
	companyName: string;
	email: string;
	/** Domains that it has already; the halves that only send on do not count. */
	domains: number;
}

/** Instances by name, public address, company, contact or mail; the newest when nothing was typed. */
export function searchTargets(
	tx: Tx,
	typed: string,
	{ customerId, take = 8 }: { customerId?: string; take?: number } = {}
): Promise<TargetChoice[]> {
	const q = typed.trim().toLowerCase();
	const pattern = `%${q.replace(/[\\%_]/g, '\\$&')}%`;
	return tx.$queryRaw<TargetChoice[]>`
		SELECT tenant.id AS "tenantId", tenant.subdomain || '.' || base_domain.name AS host, customer.id AS "customerId",
			customer.company_name AS "companyName", customer.email,
			(SELECT count(*)::int FROM custom_domains entry WHERE entry.tenant_deployment_id = tenant.id
				AND entry.verification_status <> 'removed' AND entry.redirect_to_id IS NULL) AS domains
		FROM tenant_deployments tenant
		JOIN base_domains base_domain ON base_domain.id = tenant.base_domain_id
		JOIN customers customer ON customer.id = tenant.customer_id
		WHERE tenant.status NOT IN ('deleting', 'deleted', 'refunded')
			AND (${customerId ?? null}::uuid IS NULL OR tenant.customer_id = ${customerId ?? null}::uuid)
			AND (${q} = '' OR tenant.id IN (
				SELECT id FROM tenant_deployments WHERE subdomain LIKE ${pattern}
				UNION SELECT id FROM tenant_deployments WHERE subdomain = split_part(${q}, '.', 1) AND ${q} LIKE '%.%'
				UNION SELECT owned.id FROM customers owner JOIN tenant_deployments owned ON owned.customer_id = owner.id
					WHERE lower(owner.company_name || ' ' || owner.full_name || ' ' || owner.email) LIKE ${pattern}))
		ORDER BY tenant.subdomain = split_part(${q}, '.', 1) DESC, tenant.created_at DESC
		LIMIT ${take}`;
}

/** One of them, as it is shown once it was chosen; null when it is not to be had. */
export async function targetChoice(tx: Tx, tenantId: string): Promise<TargetChoice | null> {
	if (!z.uuid().safeParse(tenantId).success) return null;
	const tenant = await tx.tenant.findFirst({
		where: { id: tenantId, status: { notIn: [...GONE] } },
		select: {
			...{ id: true, slug: true, customerId: true },
			baseDomain: { select: { name: true } },
			customer: { select: { companyName: true, email: true } },
			_count: {
				select: { domains: { where: { redirectToId: null, status: { not: 'removed' } } } }
			}
		}
	});
	return (
		tenant && {
			...{ tenantId: tenant.id, host: `${tenant.slug}.${tenant.baseDomain.name}` },
			...{ customerId: tenant.customerId, domains: tenant._count.domains },
			...{ companyName: tenant.customer.companyName, email: tenant.customer.email }
		}
	);
}
