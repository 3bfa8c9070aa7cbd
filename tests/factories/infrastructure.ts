import { randomUUID } from 'node:crypto';
import { encrypt } from '#lib/core/crypto.server.ts';
import type { Tx } from '#lib/core/db.server.ts';
import {
	enrolCluster,
	type ClusterEnrolment,
	type NodeEnrolment
} from '#lib/infrastructure/nodes/enrol.server.ts';
import type { Resources } from '#lib/infrastructure/placement/placement.ts';
import type { Isolation } from '#prisma/generated/enums.ts';
import type { ContainerAct } from '#prisma/generated/client.ts';

/** A node as it would be enrolled; its addresses lead nowhere. */
export function nodeEnrolment(overrides: Partial<NodeEnrolment> = {}): NodeEnrolment {
	const name = overrides.name ?? 'pve1';
	return {
		name,
		hostname: `${name}.example.internal`,
		apiUrl: 'https://127.0.0.1:9',
		apiToken: 'erpcore@pve!control=00000000-0000-4000-8000-000000000000',
		apiFingerprint: Array.from({ length: 32 }, () => '00').join(':'),
		sshHost: '127.0.0.1',
		sshPort: 9,
		sshUser: 'root',
		sshHostKey: 'SHA256:nobody',
		capacity: { cpuCores: 16, ramMb: 65_536, diskGb: 1000 },
		...overrides
	};
}

/** A cluster of the platform's usual shape. */
export function clusterEnrolment(overrides: Partial<ClusterEnrolment> = {}): ClusterEnrolment {
	const nodes = overrides.nodes ?? [nodeEnrolment()];
	return {
		name: `cluster-${randomUUID().slice(0, 8)}`,
		odooVersion: '18.0',
		templatePrefix: 'tpl_18',
		rootfsStorage: 'ceph',
		backupStorage: 'nfs-backup',
		nodes,
		template: {
			vmid: 9018,
			node: nodes[0]!.name,
			hostname: 'tpl-odoo-18',
			cpuCores: 2,
			ramMb: 2048,
			diskGb: 10
		},
		pool: { name: 'tenants', bridge: 'vmbr0', network: '10.10.20.0/24', gateway: '10.10.20.1' },
		...overrides
	};
}

/** A cluster that is enrolled. */
export async function createCluster(
	tx: Tx,
	overrides: Partial<ClusterEnrolment> = {}
): Promise<{ clusterId: string }> {
	return enrolCluster(tx, clusterEnrolment(overrides));
}

/** A tenant that was paid for and is nowhere yet. */
export async function createUnplacedTenant(
	tx: Tx,
	{ isolation = 'dedicated' as Isolation, slug = `t${randomUUID().slice(0, 8)}` } = {}
): Promise<{ id: string; customerId: string; slug: string }> {
	const customer = await tx.customer.create({
		data: { companyName: slug, fullName: 'Ana Mora', email: `${slug}@example.com` }
	});
	const plan = await tx.plan.findFirstOrThrow({ where: { isolation, replacedAt: null } });
	const baseDomainId = await defaultBaseDomain(tx);
	return tx.tenant.create({
		data: {
			customerId: customer.id,
			planId: plan.id,
			baseDomainId,
			slug,
			databaseName: slug,
			isolation
		},
		select: { id: true, customerId: true, slug: true }
	});
}

/** The template of a cluster of its own. */
export async function aTemplate(tx: Tx): Promise<{ id: string }> {
	const { clusterId } = await createCluster(tx);
	return tx.template.findFirstOrThrow({ where: { clusterId }, select: { id: true } });
}

/** One for all, also when many ask at once. */
async function defaultBaseDomain(tx: Tx): Promise<string> {
	const isDefault = true;
	const found = await tx.baseDomain.findFirst({ where: { isDefault } });
	if (found) return found.id;
	const tunnel = await tx.tunnel.create({ data: { cloudflareId: randomUUID(), name: 'tests' } });
	await tx.baseDomain.createMany({
		data: [{ name: 'sajet.us', zoneId: 'zone', isDefault, tunnelId: tunnel.id }],
		skipDuplicates: true
	});
	return (await tx.baseDomain.findFirstOrThrow({ where: { isDefault } })).id;
}

/** What the pro plan promises. */
export const PRO: Resources = { cpuCores: 2, ramMb: 4096, diskGb: 50 };

/** A node of a cluster of its own. */
export async function aNode(tx: Tx): Promise<{ id: string }> {
	const { clusterId } = await createCluster(tx);
	return tx.node.findFirstOrThrow({ where: { clusterId }, select: { id: true } });
}

/** A container of a cluster of its own: its template. */
export async function aContainer(tx: Tx): Promise<{ id: string }> {
	const { clusterId } = await createCluster(tx);
	return tx.container.findFirstOrThrow({ where: { clusterId }, select: { id: true } });
}

/** Something that was asked of a container. */
export async function aContainerAct(tx: Tx): Promise<ContainerAct> {
	const { id: containerId } = await aContainer(tx);
	return tx.containerAct.create({
		data: { containerId, act: 'start', byLabel: 'ana@example.com' }
	});
}

/** An enrolment that somebody has begun. */
export async function anEnrolment(tx: Tx): Promise<{ id: string }> {
	const by = await tx.user.create({
		data: { email: `${randomUUID()}@example.com`, fullName: 'Ana Mora' },
		select: { id: true }
	});
	const id = randomUUID();
	const apiToken = encrypt('erpcore@pve!control=secret', `node-enrolment:${id}:api_token`);
	const place = { apiUrl: 'https://127.0.0.1:9', sshHost: '127.0.0.1', sshPort: 9 };
	return tx.nodeEnrolment.create({
		data: { id, ...place, apiToken, createdById: by.id },
		select: { id: true }
	});
}

/** A container of a cluster of its own that was there before us. */
export async function anAdoptedContainer(tx: Tx): Promise<{ id: string }> {
	const { id } = await aContainer(tx);
	return tx.container.update({
		where: { id },
		data: { adopted: true, purpose: 'odoo', status: 'running' },
		select: { id: true }
	});
}
