import { joinOptions, netOptions, type Cluster } from './cluster.ts';
import type { ContainerState } from './state.ts';

type Body = Record<string, unknown>;

/** Somebody's hand in Proxmox: moves a container, starts it, or changes what it is called and may use. */
export function tamper(cluster: Cluster, container: ContainerState, body: Body): void {
	const { config } = container;
	if (typeof body.node === 'string' && cluster.state.nodes.some(({ name }) => name === body.node))
		container.node = body.node;
	if (body.status === 'running') cluster.markRunning(container, 0);
	if (typeof body.cores === 'number') config.cores = body.cores;
	if (typeof body.memory_mib === 'number') config.memory = body.memory_mib;
	if (typeof body.disk_gib === 'number')
		config.rootfs = String(config.rootfs).replace(/size=[^,]*/, `size=${body.disk_gib}G`);
	if (typeof body.hostname === 'string') config.hostname = body.hostname;
	if (typeof body.description === 'string') config.description = body.description;
	if (typeof body.tags === 'string') config.tags = body.tags;
	if (typeof body.address === 'string')
		config.net0 = joinOptions({ ...netOptions(config.net0), ip: body.address });
	if (body.template === true) config.template = 1;
	if (body.template === false) delete config.template;
}

/** Makes a container that nobody asked the product for: `{ vmid, node?, hostname?, … }`. @returns null without a free VMID */
export function addStranger(cluster: Cluster, body: Body): ContainerState | null {
	const { vmid } = body;
	const node = cluster.state.nodes[0];
	if (typeof vmid !== 'number' || !node || cluster.state.containers[vmid]) return null;
	const container: ContainerState = {
		...{ vmid, node: node.name, pending: {}, status: 'stopped', startedAt: null, readyAtMs: 0 },
		...{ createdAt: cluster.now(), snapshots: [] },
		config: {
			...{ arch: 'amd64', cores: 1, hostname: `ajeno-${vmid}`, memory: 512, onboot: 0 },
			...{ ostype: 'debian', rootfs: `ceph:vm-${vmid}-disk-0,size=4G`, swap: 512 },
			net0: `name=eth0,bridge=vmbr0,hwaddr=${cluster.newMac()},ip=dhcp,type=veth`,
			unprivileged: 1
		}
	};
	cluster.state.containers[vmid] = container;
	tamper(cluster, container, body);
	return container;
}

/** Deletes a container behind everybody's back. @returns null when there is none */
export function vanish(cluster: Cluster, vmid: string): ContainerState | null {
	const container = cluster.state.containers[vmid];
	if (!container) return null;
	delete cluster.state.containers[vmid];
	return container;
}
