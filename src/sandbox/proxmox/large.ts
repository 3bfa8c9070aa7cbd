import type { Cluster } from './cluster.ts';
import { GIB, type ContainerState, type NodeState } from './state.ts';

export interface ClusterSize {
	nodes: number;
	containersPerNode: number;
}

/** First VMID of the containers that are there to be many. */
export const FIRST_VMID = 100_000;

/** Makes the cluster so large: nodes beside the first three, and on each of all containers that run. */
export function enlarge(cluster: Cluster, { nodes, containersPerNode }: ClusterSize): void {
	const { state } = cluster;
	for (let index = state.nodes.length + 1; index <= nodes; index++)
		state.nodes.push(aNode(cluster, index));
	for (const [index, node] of state.nodes.entries()) {
		for (let nth = 0; nth < containersPerNode; nth++) {
			const container = aContainer(
				cluster,
				node.name,
				FIRST_VMID + index * containersPerNode + nth
			);
			state.containers[container.vmid] = container;
		}
	}
	for (const storage of state.storages)
		if (storage.shared) storage.totalBytes *= Math.max(1, nodes / 3);
	cluster.changed();
}

function aNode(cluster: Cluster, index: number): NodeState {
	return {
		name: `pve${index}`,
		ip: `10.10.0.${10 + index}`,
		nodeid: index,
		online: true,
		cores: 64,
		memoryBytes: 512 * GIB,
		rootBytes: 1000 * GIB,
		extraMemoryBytes: 0,
		extraCores: 0,
		bootedAt: cluster.now() - 40 * 86_400
	};
}

function aContainer(cluster: Cluster, node: string, vmid: number): ContainerState {
	const [high, low] = [(vmid >> 8) & 255, vmid & 255];
	return {
		vmid,
		node,
		config: {
			arch: 'amd64',
			cores: 2,
			hostname: `erp-${vmid}`,
			memory: 4096,
			net0: `name=eth0,bridge=vmbr0,gw=10.30.0.1,hwaddr=${cluster.newMac()},ip=10.30.${high}.${low}/16,type=veth`,
			onboot: 1,
			ostype: 'debian',
			rootfs: `ceph:vm-${vmid}-disk-0,size=50G`,
			swap: 512,
			unprivileged: 1
		},
		pending: {},
		status: 'running',
		startedAt: cluster.now() - 86_400,
		readyAtMs: 0,
		createdAt: cluster.now() - 10 * 86_400,
		snapshots: []
	};
}
