import { encrypt } from '#lib/core/crypto.server.ts';
import { databaseTime, type Tx } from '#lib/core/db.server.ts';
import { Prisma } from '#prisma/generated/client.ts';
import { poolSize } from '../placement/addresses.ts';
import type { Resources } from '../placement/placement.ts';
import { noteEnrolled } from '../templates/currentTemplate.server.ts';

export interface NodeEnrolment {
	/** Proxmox's name of the node. */
	name: string;
	hostname: string;
	/** Without /api2/json */
	apiUrl: string;
	/** `user@realm!id=secret` */
	apiToken: string;
	/** SHA-256 of the API's certificate, `AA:BB:…` */
	apiFingerprint: string;
	sshHost: string;
	sshPort: number;
	sshUser: string;
	/** `SHA256:…` as ssh-keygen prints it */
	sshHostKey: string;
	/** As the node itself says (see survey.server.ts); later checks correct it. */
	capacity: Resources;
	/** 9.1.6; a check that the node answers says it as well. */
	proxmoxVersion?: string;
	/** Higher is filled first among equals; 100 by default. */
	priority?: number;
	maxContainers?: number;
	/** How many times each resource may be promised; 4 × CPU, 1 × memory and disk by default. */
	overcommit?: { cpu?: number; ram?: number; disk?: number };
}

export interface TemplateEnrolment extends Resources {
	vmid: number;
	/** Name of the node that has it. */
	node: string;
	hostname: string;
}

export interface ClusterEnrolment {
	name: string;
	region?: string;
	odooVersion: string;
	/** `tpl_18` where the template has tpl_18_es and tpl_18_en. */
	templatePrefix: string;
	rootfsStorage: string;
	backupStorage: string;
	vmidMin?: number;
	vmidMax?: number;
	nodes: NodeEnrolment[];
	/** Null: none is there yet, so nothing can be placed. */
	template: TemplateEnrolment | null;
	pool: { name: string; bridge: string; vlan?: number; network: string; gateway: string };
}

/** What binds a node's API token to its row. */
export function tokenContext(nodeId: string): string {
	return `node:${nodeId}:api_token`;
}

/**
 * Takes a cluster into service, or brings what is stored of it up to date: nodes with their encrypted tokens and pinned
 * certificates, template, address pool. Nodes that are no longer named stay as they are.
 * @throws {Error} when the pool's network is none
 */
export async function enrolCluster(
	tx: Tx,
	enrolment: ClusterEnrolment
): Promise<{ clusterId: string }> {
	const { name, nodes, template, pool, ...data } = enrolment;
	poolSize(pool);
	const facts = { ...data, templateVmid: template?.vmid ?? null };
	const cluster = await tx.cluster.upsert({
		where: { name },
		create: { name, ...facts },
		update: facts
	});
	for (const node of nodes) await enrolNode(tx, cluster.id, node);
	if (template) await enrolTemplate(tx, cluster.id, template, enrolment.odooVersion);
	const net = { bridge: pool.bridge, vlan: pool.vlan ?? null, network: pool.network };
	await tx.addressPool.upsert({
		where: { clusterId_name: { clusterId: cluster.id, name: pool.name } },
		create: { clusterId: cluster.id, name: pool.name, ...net, gateway: pool.gateway },
		update: { ...net, gateway: pool.gateway }
	});
	return { clusterId: cluster.id };
}

/** How a node is that nobody has looked at yet. */
const UNSEEN = {
	removedAt: null,
	status: 'online',
	lastSeenAt: null,
	misses: 0,
	offlineSince: null,
	maintenanceSince: null,
	maintenanceReason: null,
	health: Prisma.DbNull,
	clockSkewMs: null,
	apiCertificateExpiresAt: null,
	haltedAt: null,
	haltedBy: null,
	haltedReason: null,
	probedUntil: null
} satisfies Prisma.NodeUncheckedUpdateInput;

/** Takes a node into service in a cluster that is there, or brings what is stored of it up to date. */
export async function enrolNode(
	tx: Tx,
	clusterId: string,
	enrolment: NodeEnrolment
): Promise<{ id: string }> {
	const { name, capacity, overcommit = {}, apiToken, ...access } = enrolment;
	const facts = {
		...access,
		cpuTotal: capacity.cpuCores,
		ramTotalMb: capacity.ramMb,
		diskTotalGb: capacity.diskGb,
		cpuOvercommit: overcommit.cpu,
		ramOvercommit: overcommit.ram,
		diskOvercommit: overcommit.disk
	};
	const where = { clusterId_name: { clusterId, name } };
	const known = await tx.node.findUnique({ where, select: { removedAt: true } });
	const node = await tx.node.upsert({
		where,
		create: { clusterId, name, ...facts },
		update: {
			...facts,
			revision: { increment: 1 },
			// One that was removed is back, with its history; how it was when it went is no more.
			...(known?.removedAt && { ...UNSEEN, lookedAt: await databaseTime(tx) })
		}
	});
	const secret = { apiToken: encrypt(apiToken, tokenContext(node.id)) };
	await tx.nodeCredential.upsert({
		where: { nodeId: node.id },
		create: { nodeId: node.id, ...secret },
		update: secret
	});
	return { id: node.id };
}

/** A template counts as promised on its node like any container, and stands in the list of containers. */
async function enrolTemplate(
	tx: Tx,
	clusterId: string,
	template: TemplateEnrolment,
	odooVersion: string
): Promise<void> {
	const { vmid, node: nodeName, hostname, cpuCores, ramMb, diskGb } = template;
	const node = await tx.node.findUniqueOrThrow({
		where: { clusterId_name: { clusterId, name: nodeName } },
		select: { id: true }
	});
	const data = {
		nodeId: node.id,
		hostname,
		odooVersion,
		cpuCores,
		ramMb,
		diskGb,
		purpose: 'template',
		status: 'stopped'
	} as const;
	const row = await tx.container.findFirst({
		where: { clusterId, vmid, status: { not: 'deleted' } },
		select: { id: true }
	});
	const { id: containerId, createdAt: at } = row
		? await tx.container.update({ where: { id: row.id }, data })
		: await tx.container.create({ data: { clusterId, vmid, ...data } });
	await noteEnrolled(tx, { clusterId, containerId, odooVersion, at });
}
