import type { Tx } from '#lib/core/db.server.ts';
import type { DomainDriver } from '#prisma/generated/enums.ts';
import { requestEdge } from './edge/edgeServers.server.ts';
import { requestConvergence } from './tunnels/tunnels.server.ts';

interface Published {
	/** Its own; null: that of its base domain. */
	tunnelId: string | null;
	baseDomain: { tunnelId: string };
}

/** The tunnel that a tenant's own name comes by. */
function ownTunnel({ tunnelId, baseDomain }: Published): string {
	return tunnelId ?? baseDomain.tunnelId;
}

/**
 * The tunnel that a customer's domain comes by: custom hostnames by the one that their zone's fallback origin leads to, which
 * is the base domain's, wherever their tenant is published; all others with the tenant's own name.
 */
export function entryTunnel<Tunnel>(
	driver: DomainDriver,
	{ tunnel, baseDomain }: { tunnel: Tunnel | null; baseDomain: { tunnel: Tunnel } }
): Tunnel {
	return driver === 'custom_hostname' ? baseDomain.tunnel : (tunnel ?? baseDomain.tunnel);
}

/** Every tunnel that leads to one of these instances, by its own name or by a domain of its customer's. */
export async function tunnelsOfTenants(tx: Tx, tenantIds: string[]): Promise<string[]> {
	const tenants = await tx.tenant.findMany({
		where: { id: { in: tenantIds } },
		select: { ...published, domains: { where: byFallback, select: { id: true }, take: 1 } }
	});
	return [...new Set(tenants.flatMap(tunnelsOf))];
}

const published = { tunnelId: true, baseDomain: { select: { tunnelId: true } } } as const;
const byFallback = {
	driver: 'custom_hostname',
	published: true,
	status: { not: 'removed' }
} as const;

function tunnelsOf(tenant: Published & { domains: { id: string }[] }): string[] {
	const own = ownTunnel(tenant);
	return tenant.domains.length > 0 ? [own, tenant.baseDomain.tunnelId] : [own];
}

/**
 * An instance is published through another tunnel: its customer's domains that come with its own name are there once that
 * version has been applied.
 */
export async function comeByAnother(tx: Tx, tenantId: string, version: number): Promise<void> {
	await tx.customDomain.updateMany({
		where: { tenantId, driver: 'account_cname', publishedVersion: { not: null } },
		data: { publishedVersion: version }
	});
}

/**
 * Says, as part of `tx`, that what the hosts of an instance lead to has changed: its own name, its customer's domains,
 * or whether anybody may come in.
 * @returns of each of its tunnels the version that must have been applied before that can be seen from outside
 */
export async function requestHosts(
	tx: Tx,
	{ tenantId }: { tenantId: string }
): Promise<Map<string, number>> {
	const tenant = await tx.tenant.findUniqueOrThrow({
		where: { id: tenantId },
		select: {
			tunnelId: true,
			baseDomain: { select: { tunnelId: true, edgeServerId: true } },
			domains: { select: { driver: true, status: true }, distinct: ['driver', 'status'] }
		}
	});
	const { baseDomain, domains } = tenant;
	const hasEdge = domains.some(({ driver, status }) => driver === 'edge' && status !== 'removed');
	if (baseDomain.edgeServerId && hasEdge) await requestEdge(tx, baseDomain.edgeServerId);
	const tunnels = new Set([ownTunnel(tenant)]);
	// Also for one that was removed a moment ago.
	if (domains.some(({ driver }) => driver === 'custom_hostname')) tunnels.add(baseDomain.tunnelId);
	const versions = new Map<string, number>();
	for (const tunnelId of tunnels) versions.set(tunnelId, await requestConvergence(tx, tunnelId));
	return versions;
}
