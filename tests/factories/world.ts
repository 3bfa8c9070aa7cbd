import type { Tx } from '#lib/core/db.server.ts';
import { GIB } from '#lib/core/bytes.ts';
import { enrolCluster, type NodeEnrolment } from '#lib/infrastructure/nodes/enrol.server.ts';
import { surveyNode, surveyTemplate } from '#lib/infrastructure/nodes/survey.server.ts';
import { proxmox as proxmoxClient } from '#lib/integrations/proxmox/proxmox.server.ts';
import type { StorageRow } from '#lib/integrations/proxmox/types.ts';
import { unrecorded } from '#lib/integrations/record.ts';
import type { Vendors } from '../../src/cli/environment.ts';

const ROOTFS_STORAGE = 'ceph';
const TEMPLATE_VMID = 9018;

/** What a cluster says of itself, asked before the transaction that enrols it. */
export async function surveyWorld(vendors: Pick<Vendors, 'proxmox' | 'ssh'>) {
	const nodes: NodeEnrolment[] = [];
	const storages = new Map<string, StorageRow[]>();
	let template;
	for (const [index, { url, token, node, fingerprint }] of vendors.proxmox.entries()) {
		const proxmox = proxmoxClient({ baseUrl: url, token, fingerprint }, unrecorded);
		const { capacity, storages: found } = await surveyNode(proxmox, node, ROOTFS_STORAGE);
		storages.set(node, found);
		template ??= await surveyTemplate(proxmox, TEMPLATE_VMID);
		const ssh = vendors.ssh[index]!;
		nodes.push({
			name: node,
			hostname: `${node}.jeturing.internal`,
			apiUrl: url,
			apiToken: token,
			apiFingerprint: fingerprint,
			sshHost: ssh.host,
			sshPort: ssh.port,
			sshUser: ssh.user,
			sshHostKey: ssh.host_key,
			capacity
		});
	}
	if (!template) throw new Error('the sandbox has no nodes');
	return { nodes, template, storages };
}

/** The platform's own things as the sandbox has them: one cluster of three nodes, one tunnel, two base domains. */
export async function createWorld(
	tx: Tx,
	vendors: Vendors,
	{ storages, ...survey }: Awaited<ReturnType<typeof surveyWorld>>,
	appUrl: string
): Promise<void> {
	const { clusterId } = await enrolCluster(tx, {
		name: 'jeturing',
		region: 'default',
		odooVersion: '18.0',
		templatePrefix: 'tpl_18',
		rootfsStorage: ROOTFS_STORAGE,
		backupStorage: 'nfs-backup',
		...survey,
		pool: { name: 'tenants', bridge: 'vmbr0', network: '10.10.20.0/24', gateway: '10.10.20.1' }
	});
	await keepStorages(tx, clusterId, storages);
	const { tunnel_id, zone_id } = vendors.cloudflare;
	const tunnel = await tx.tunnel.upsert({
		where: { cloudflareId: tunnel_id },
		create: { cloudflareId: tunnel_id, name: 'tcs-sajet-tunnel' },
		update: {}
	});
	await tx.baseDomain.upsert({
		where: { name: 'sajet.us' },
		create: {
			...{ name: 'sajet.us', zoneId: zone_id, tunnelId: tunnel.id, isDefault: true },
			target: 'customers.sajet.us'
		},
		update: { zoneId: zone_id }
	});
	const own = { tunnelId: tunnel.id, hostname: 'erp.sajet.us' };
	const exists = await tx.edgeHost.findFirst({ where: own });
	if (!exists) await tx.edgeHost.create({ data: { ...own, service: appUrl } });
}

/** As the first look at the nodes would find them, so that it need not be waited for. */
export async function keepStorages(
	tx: Tx,
	clusterId: string,
	storages: Map<string, StorageRow[]>
): Promise<void> {
	const nodes = await tx.node.findMany({
		where: { clusterId },
		select: { id: true, name: true }
	});
	await tx.nodeStorage.createMany({
		data: nodes.flatMap(({ id: nodeId, name }) =>
			(storages.get(name) ?? []).map(({ storage, type, content, shared, active, total, used }) => ({
				...{ nodeId, storage, type, shared, active },
				...{ content: content.split(','), totalGb: total / GIB, usedGb: used / GIB },
				seenAt: new Date(0)
			}))
		),
		skipDuplicates: true
	});
}
