import { randomUUID } from 'node:crypto';
import type { Tx } from '#lib/core/db.server.ts';
import { createUnplacedTenant } from './infrastructure.ts';

/** An edge server on a node, and a base domain whose tenants' domains come through it. */
export async function createEdge(
	tx: Tx,
	{
		nodeId,
		ipv4 = ['203.0.113.10'],
		vmid = null as number | null
	}: {
		nodeId: string;
		ipv4?: string[];
		vmid?: number | null;
	}
): Promise<{ id: string; baseDomainId: string }> {
	const name = `edge-${randomUUID().slice(0, 8)}`;
	const { id } = await tx.edgeServer.create({ data: { name, nodeId, vmid, ipv4 } });
	const tunnel = await tx.tunnel.create({ data: { cloudflareId: randomUUID(), name } });
	const base = await tx.baseDomain.create({
		data: {
			...{ name: `${name}.sajet.us`, zoneId: 'zone', tunnelId: tunnel.id, driver: 'edge' },
			...{ target: `customers.${name}.sajet.us`, edgeServerId: id, isDefault: true }
		}
	});
	await tx.baseDomain.updateMany({
		where: { id: { not: base.id } },
		data: { isDefault: false }
	});
	return { id, baseDomainId: base.id };
}

/** A proven domain of a new tenant of the default base domain, which the tenant's edge serves. */
export async function createEdgeDomain(
	tx: Tx,
	hostname: string,
	more: {
		redirectToId?: string;
		tenantId?: string;
		status?: 'pending' | 'verifying' | 'active';
		verified?: boolean;
		published?: boolean;
	} = {}
): Promise<{ id: string; tenantId: string; customerId: string; slug: string }> {
	const tenant = more.tenantId
		? await tx.tenant.findUniqueOrThrow({ where: { id: more.tenantId } })
		: await createUnplacedTenant(tx);
	const { id: tenantId, customerId, slug } = tenant;
	const domain = await tx.customDomain.create({
		data: {
			...{ hostname, tenantId, customerId, driver: 'edge', status: more.status ?? 'verifying' },
			...{ redirectToId: more.redirectToId ?? null, published: more.published ?? true },
			verificationName: `_erp-verify.${hostname}`,
			verificationToken: `erp-verify=${randomUUID()}`,
			verifiedAt: more.verified === false ? null : new Date(),
			routedAt: new Date()
		}
	});
	return { id: domain.id, tenantId, customerId, slug };
}
