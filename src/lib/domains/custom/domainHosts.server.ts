import type { Tx } from '#lib/core/db.server.ts';
import { env } from '#lib/core/env.server.ts';

/** The hosts of one instance, as far as visitors are sent from one to another. */
export interface TenantHosts {
	/** The platform's own name: it works as long as the instance does. */
	platform: string;
	domains: {
		id: string;
		hostname: string;
		isActive: boolean;
		isPrimary: boolean;
		/** The hostname that it sends on to, when it is only half of a pair. */
		sendsTo: string | null;
	}[];
}

export async function tenantHosts(tx: Tx, tenantId: string): Promise<TenantHosts> {
	const { slug, baseDomain, domains } = await tx.tenant.findUniqueOrThrow({
		where: { id: tenantId },
		select: {
			slug: true,
			baseDomain: { select: { name: true } },
			domains: {
				where: { published: true, status: { not: 'removed' } },
				select: {
					...{ id: true, hostname: true, status: true, isPrimary: true },
					redirectTo: { select: { hostname: true } }
				}
			}
		}
	});
	const platform = `${slug}.${baseDomain.name}`;
	return {
		platform,
		domains: domains.map(({ status, redirectTo, ...one }) => ({
			...one,
			isActive: status === 'active',
			sendsTo: redirectTo?.hostname ?? null
		}))
	};
}

/** The primary domain while it works, else the platform's name: where the instance is at home. */
export function homeOf({ platform, domains }: TenantHosts): string {
	return domains.find(({ isPrimary, isActive }) => isPrimary && isActive)?.hostname ?? platform;
}

/**
 * Where somebody who comes by one of its hosts ends: the same one when it serves by itself. While a primary domain works
 * all others send on to it; the half of a pair sends on to the other half, or home while that does not work.
 * @param options assumeActive: id of a domain that is looked at as if it worked
 */
export function landingOf(
	hosts: TenantHosts,
	hostname: string,
	options: { assumeActive?: string } = {}
): string {
	const home = homeOf(hosts);
	if (home !== hosts.platform) return home;
	const sendsTo = hosts.domains.find((one) => one.hostname === hostname)?.sendsTo;
	if (!sendsTo) return hostname;
	const other = hosts.domains.find((one) => one.hostname === sendsTo);
	return other && (other.isActive || other.id === options.assumeActive) ? sendsTo : home;
}

/** Where people open a host. In the demo a browser reaches the sandbox's edge as `<host>.localhost`. */
export function hostUrl(hostname: string): string {
	if (!env.EDGE_URL) return `https://${hostname}`;
	const edge = new URL(env.EDGE_URL);
	edge.hostname = `${hostname}.localhost`;
	return edge.origin;
}
