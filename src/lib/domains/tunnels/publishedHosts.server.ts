import type { Tx } from '#lib/core/db.server.ts';
import type { HostRoute } from './ingress.ts';

/** Why the control plane answers for a host. */
export type AnsweredByUs = 'suspended' | 'moving' | 'redirects' | 'unplaced';

/** A host of a tenant that a tunnel leads somewhere. */
export interface PublishedHost extends HostRoute {
	tenantId: string;
	slug: string;
	customerId: string;
	/** Null for the platform's own name of the tenant. */
	customDomainId: string | null;
	/** Null when the container answers. */
	answeredByUs: AnsweredByUs | null;
}

/**
 * Every host that comes by a tunnel: the platform's names of the tenants that are published through it, and their customers'
 * own domains whose record of ours leads there. A custom hostname comes by the tunnel of its base domain, wherever its tenant
 * is published: its zone has one fallback origin for all. One query for all of them: a document of a thousand hosts is built
 * many times.
 */
export async function publishedHosts(tx: Tx, tunnelId: string): Promise<PublishedHost[]> {
	const rows = await tx.$queryRaw<Row[]>`
		WITH here AS (
			SELECT tenant.id, tenant.subdomain AS slug, tenant.customer_id, base.name AS base,
				container.ip_address, coalesce(tenant.tunnel_id, base.tunnel_id) AS tunnel_id, base.tunnel_id AS base_tunnel_id,
				tenant.status IN ('suspended', 'deleting') AS suspended, tenant.status = 'migrating' AS moving,
				EXISTS (
					SELECT 1 FROM custom_domains one WHERE one.tenant_deployment_id = tenant.id AND one.is_primary
						AND one.published AND one.verification_status = 'active') AS has_primary
			FROM tenant_deployments tenant
			JOIN base_domains base ON base.id = tenant.base_domain_id
			LEFT JOIN lxc_containers container ON container.id = tenant.container_id
			WHERE tenant.published AND (tenant.tunnel_id = ${tunnelId}::uuid OR base.tunnel_id = ${tunnelId}::uuid)
		)
		SELECT here.slug || '.' || here.base AS hostname, NULL AS "hostHeader", here.ip_address AS "ipAddress",
			here.id AS "tenantId", here.slug, here.customer_id AS "customerId", NULL::uuid AS "customDomainId",
			here.suspended, here.moving, here.has_primary AS redirects, NULL::timestamptz AS "verifiedAt"
		FROM here WHERE here.tunnel_id = ${tunnelId}::uuid
		UNION ALL
		SELECT own.external_domain, here.slug || '.' || here.base, here.ip_address, here.id, here.slug,
			here.customer_id, own.id, here.suspended, here.moving,
			own.redirect_to_id IS NOT NULL OR (here.has_primary AND NOT own.is_primary), own.verified_at
		FROM here JOIN custom_domains own ON own.tenant_deployment_id = here.id
		WHERE own.published AND own.driver <> 'edge' AND own.verification_status <> 'removed'
			AND CASE own.driver WHEN 'custom_hostname' THEN here.base_tunnel_id ELSE here.tunnel_id END = ${tunnelId}::uuid
		ORDER BY "verifiedAt" NULLS LAST`;
	const once = new Map<string, PublishedHost>();
	for (const { suspended, moving, redirects, verifiedAt: _, ...row } of rows) {
		// Of two customers who claim one name the one who has proven it is served.
		if (once.has(row.hostname)) continue;
		const answeredByUs = suspended
			? 'suspended'
			: moving
				? 'moving'
				: redirects
					? 'redirects'
					: row.ipAddress
						? null
						: 'unplaced';
		once.set(row.hostname, {
			...row,
			ipAddress: answeredByUs ? null : row.ipAddress,
			healthAddress: answeredByUs === 'redirects' && !row.customDomainId ? row.ipAddress : null,
			answeredByUs
		});
	}
	return [...once.values()];
}

type Row = Omit<PublishedHost, 'answeredByUs'> & {
	suspended: boolean;
	moving: boolean;
	redirects: boolean;
	verifiedAt: Date | null;
};
