import type { Tx } from '#lib/core/db.server.ts';
import { isMade } from '../tunnels/tunnelRow.ts';
import type { Needed, Needs } from './recordStanding.ts';
import { ownedName } from './recordStanding.ts';

/** A tunnel's own name at Cloudflare: what proxied records lead to. */
export function tunnelName(cloudflareId: string): string {
	return `${cloudflareId}.cfargotunnel.com`;
}

/** The records that tenants, base domains, custom domains and hosts of tunnels want in these zones, as the database says now. */
export async function neededRecords(tx: Tx, zoneIds: string[]): Promise<Needs> {
	const needed: Needed[] = [];
	const tolerated = new Set<string>();
	const tenants = await tx.tenant.findMany({
		where: {
			status: { notIn: ['deleted', 'refunded'] },
			baseDomain: { zoneId: { in: zoneIds } }
		},
		select: {
			...{ id: true, slug: true, published: true },
			tunnel: { select: { cloudflareId: true } },
			baseDomain: {
				select: { name: true, zoneId: true, tunnel: { select: { cloudflareId: true } } }
			}
		}
	});
	for (const { id, slug, published, tunnel, baseDomain } of tenants) {
		const owner = { kind: 'tenant' as const, id };
		const name = `${slug}.${baseDomain.name}`;
		// Before and after its time on the air the record comes and goes with the steps of its jobs.
		if (!published) tolerated.add(ownedName(owner, name));
		else {
			const { cloudflareId } = tunnel ?? baseDomain.tunnel;
			needed.push({
				...{ owner, zoneId: baseDomain.zoneId, name, type: 'CNAME', proxied: true },
				content: tunnelName(cloudflareId)
			});
		}
	}
	const domains = await tx.customDomain.findMany({
		where: { status: { not: 'removed' }, tenant: { baseDomain: { zoneId: { in: zoneIds } } } },
		select: { id: true, hostname: true }
	});
	for (const { id, hostname } of domains)
		tolerated.add(ownedName({ kind: 'domain', id }, hostname));
	const bases = await tx.baseDomain.findMany({ where: { zoneId: { in: zoneIds } } });
	for (const { id } of bases) needed.push(...(await neededOfBase(tx, id)));
	needed.push(...(await neededOfHosts(tx)).filter(({ zoneId }) => zoneIds.includes(zoneId)));
	return { needed, tolerated };
}

/** The records of hosts of tunnels that are ours to keep; of several rules for one name the oldest has it. */
export async function neededOfHosts(tx: Tx, hostname?: string): Promise<Needed[]> {
	const hosts = await tx.edgeHost.findMany({
		where: { dnsKept: true, tunnel: { deletedAt: null }, ...(hostname && { hostname }) },
		orderBy: { id: 'asc' },
		select: { id: true, hostname: true, tunnel: { select: { cloudflareId: true } } }
	});
	if (hosts.length === 0) return [];
	const bases = await tx.baseDomain.findMany({ select: { name: true, zoneId: true } });
	const needed = new Map<string, Needed>();
	for (const { id, hostname: name, tunnel } of hosts) {
		const base = bases.find((one) => isUnder(name, one.name));
		if (!base || needed.has(name) || !isMade(tunnel)) continue;
		needed.set(name, {
			...{ owner: { kind: 'host', id }, zoneId: base.zoneId, name, type: 'CNAME', proxied: true },
			content: tunnelName(tunnel.cloudflareId)
		});
	}
	return [...needed.values()];
}

/** The base domain itself, or a name below it. */
export function isUnder(hostname: string, base: string): boolean {
	return hostname === base || hostname.endsWith(`.${base}`);
}

/** What the driver of a base domain, and those of its custom domains, need at its target. */
export async function neededOfBase(tx: Tx, id: string): Promise<Needed[]> {
	const base = await tx.baseDomain.findUniqueOrThrow({
		where: { id },
		include: {
			tunnel: { select: { cloudflareId: true } },
			edgeServer: { select: { ipv4: true, ipv6: true } }
		}
	});
	if (!base.target) return [];
	const drivers = new Set([base.driver, ...(await driversInUse(tx, id))]);
	const common = {
		owner: { kind: 'base' as const, id },
		zoneId: base.zoneId,
		name: base.target.toLowerCase()
	};
	if (drivers.has('edge')) {
		const { ipv4, ipv6 } = base.edgeServer ?? { ipv4: [], ipv6: [] };
		return [
			...ipv4.map((content): Needed => ({ ...common, type: 'A', content, proxied: false })),
			...ipv6.map((content): Needed => ({ ...common, type: 'AAAA', content, proxied: false }))
		];
	}
	if (!drivers.has('custom_hostname')) return [];
	const content = tunnelName(base.tunnel.cloudflareId);
	return [{ ...common, type: 'CNAME', content, proxied: true }];
}

/** By which ways domains of its tenants lead to us. */
export async function driversInUse(tx: Tx, baseDomainId: string) {
	const found = await tx.customDomain.groupBy({
		by: ['driver'],
		where: { status: { not: 'removed' }, tenant: { baseDomainId } }
	});
	return found.map(({ driver }) => driver);
}
