import { newDatabase, templateGuest } from '../odoo/state.ts';
import type { Cluster } from './cluster.ts';
import { GIB, type ContainerState, type NodeState } from './state.ts';

const MEMBERS = 3;

/**
 * A further node joins the cluster, with servers of its own and two containers that were there before anybody thought of
 * the product: an Odoo with its databases, and a mail server. Asking again answers the same node.
 * @returns its API and SSH, as `vendors` has those of the others
 */
export async function joinNode(cluster: Cluster): Promise<object> {
	const name = `pve${MEMBERS + 1}`;
	const known = cluster.state.nodes.find((node) => node.name === name);
	if (known) return cluster.join(known);
	const now = cluster.now();
	const node: NodeState = {
		name,
		ip: `10.10.0.${11 + MEMBERS}`,
		nodeid: MEMBERS + 1,
		online: true,
		cores: 16,
		memoryBytes: 64 * GIB,
		rootBytes: 1000 * GIB,
		extraMemoryBytes: 0,
		extraCores: 0,
		bootedAt: now - 200 * 86_400,
		joined: { api: 0, ssh: 0 }
	};
	const old = guest(cluster, name, 'odoo-cafetal', {
		ip: '10.10.20.240/24',
		cores: 4,
		memory: 4096,
		disk: 40
	});
	const inside = { ...templateGuest(18, now), databases: {}, listDb: true, dbfilter: '' };
	cluster.guests.set(old.vmid, inside);
	for (const database of ['cafetal', 'cafetal_pruebas']) {
		const made = newDatabase(database, 18, now - 400 * 86_400, { lang: 'es_419', country: 'CR' });
		Object.assign(made.company, { name: 'El Cafetal', email: 'admin@cafetal.example' });
		cluster.guests.get(old.vmid)!.databases[database] = made;
	}
	cluster.guests.changed();
	guest(cluster, name, 'correo', { ip: 'dhcp', cores: 2, memory: 2048, disk: 20 });
	return cluster.join(node);
}

function guest(
	cluster: Cluster,
	node: string,
	hostname: string,
	size: { ip: string; cores: number; memory: number; disk: number }
): ContainerState {
	let vmid = 700;
	while (cluster.state.containers[vmid]) vmid += 1;
	const gateway = size.ip === 'dhcp' ? '' : 'gw=10.10.20.1,';
	const made: ContainerState = {
		vmid,
		node,
		config: {
			arch: 'amd64',
			cores: size.cores,
			description: `${hostname}, instalado a mano\n`,
			hostname,
			memory: size.memory,
			net0: `name=eth0,bridge=vmbr0,${gateway}hwaddr=${cluster.newMac()},ip=${size.ip},type=veth`,
			onboot: 1,
			ostype: 'debian',
			rootfs: `local-lvm:vm-${vmid}-disk-0,size=${size.disk}G`,
			swap: 512,
			unprivileged: 1
		},
		pending: {},
		status: 'running',
		startedAt: cluster.now() - 30 * 86_400,
		readyAtMs: 0,
		createdAt: cluster.now() - 400 * 86_400,
		snapshots: []
	};
	cluster.state.containers[vmid] = made;
	return made;
}
