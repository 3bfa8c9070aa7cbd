import type { CustomDomain, Prisma, Tunnel } from '#prisma/generated/client.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { createCluster, createUnplacedTenant } from './infrastructure.ts';

/** A tunnel that Cloudflare has, with nothing behind it. */
export function aTunnel(
	tx: Tx,
	data: Partial<Prisma.TunnelUncheckedCreateInput> = {}
): Promise<Tunnel> {
	const cloudflareId = crypto.randomUUID();
	return tx.tunnel.create({
		data: { cloudflareId, name: `t-${cloudflareId.slice(0, 8)}`, ...data }
	});
}

/** A domain of a customer that is published at its tenant. */
export function aPublishedDomain(
	tx: Tx,
	tenant: { id: string; customerId: string },
	hostname: string,
	data: Partial<Prisma.CustomDomainUncheckedCreateInput> = {}
): Promise<CustomDomain> {
	return tx.customDomain.create({
		data: {
			...{ hostname, tenantId: tenant.id, customerId: tenant.customerId },
			...{ driver: 'custom_hostname', status: 'active', published: true, publishedVersion: 1 },
			...{ verificationName: `_erp-verify.${hostname}`, verificationToken: 'token' },
			...{ verifiedAt: new Date(), ...data }
		}
	});
}

/** A tenant whose container answers at `ipAddress`. */
export async function aPublishedTenant(
	tx: Tx,
	slug: string,
	ipAddress: string | null = '10.10.20.5'
) {
	const tenant = await createUnplacedTenant(tx, { slug });
	const container = ipAddress ? await aContainer(tx, ipAddress) : null;
	return tx.tenant.update({
		where: { id: tenant.id },
		data: { published: true, status: 'active', containerId: container?.id ?? null }
	});
}

async function aContainer(tx: Tx, ipAddress: string): Promise<{ id: string }> {
	const known = await tx.container.findFirst({ where: { ipAddress } });
	if (known) return known;
	if (!(await tx.node.findFirst())) await createCluster(tx);
	const node = await tx.node.findFirstOrThrow();
	const vmid = 9_000 + (await tx.container.count());
	return tx.container.create({
		data: {
			...{ vmid, nodeId: node.id, clusterId: node.clusterId, hostname: `c${vmid}`, ipAddress },
			...{ purpose: 'shared', status: 'running', cpuCores: 1, ramMb: 1024, diskGb: 10 }
		}
	});
}
