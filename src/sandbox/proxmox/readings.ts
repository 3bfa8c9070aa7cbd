import { isTemplate, lockOf, rootBytes, rootStorage, type Cluster } from './cluster.ts';
import { haOf } from './ha.ts';
import { may, type Caller } from './permissions.ts';
import type { ContainerState, NodeState, StorageState } from './state.ts';

/** Bytes per second that a running container pretends to move. */
const NET_IN = 2_400;
const NET_OUT = 5_100;
const DISK_READ = 1_200;
const DISK_WRITE = 8_400;

/** The row of a container in `lxc` lists and `status/current`. */
export function containerRow(cluster: Cluster, container: ContainerState): Record<string, unknown> {
	const running = container.status === 'running';
	const uptime = running ? Math.max(0, cluster.now() - (container.startedAt ?? cluster.now())) : 0;
	const { config } = container;
	const row: Record<string, unknown> = {
		vmid: container.vmid,
		name: String(config.hostname ?? `CT${container.vmid}`),
		status: container.status,
		type: 'lxc',
		cpu: Number(cluster.cpuUsed(container).toFixed(6)),
		cpus: Number(config.cores ?? 16),
		mem: cluster.memoryUsed(container),
		maxmem: Number(config.memory ?? 512) * 1024 ** 2,
		swap: 0,
		maxswap: Number(config.swap ?? 512) * 1024 ** 2,
		disk: running ? cluster.diskUsed(container) : 0,
		maxdisk: rootBytes(container),
		uptime,
		netin: uptime * NET_IN,
		netout: uptime * NET_OUT,
		diskread: uptime * DISK_READ,
		diskwrite: uptime * DISK_WRITE
	};
	if (running) row.pid = 100_000 + container.vmid;
	if (config.tags) row.tags = config.tags;
	if (isTemplate(container)) row.template = 1;
	const lock = lockOf(container);
	if (lock) row.lock = lock;
	return row;
}

export function nodeCpu(cluster: Cluster, node: NodeState): number {
	let cores = 0.15 + node.extraCores;
	for (const container of cluster.onNode(node.name)) {
		cores += cluster.cpuUsed(container) * Number(container.config.cores ?? 1);
	}
	return Math.min(1, Number((cores / node.cores).toFixed(6)));
}

export function nodeMemory(cluster: Cluster, node: NodeState): number {
	let used = 2.1 * 1024 ** 3 + node.extraMemoryBytes;
	for (const container of cluster.onNode(node.name)) used += cluster.memoryUsed(container);
	return Math.min(node.memoryBytes, Math.round(used));
}

/** What the node's own disk holds: the system and the `local` storage on it. */
export function nodeDisk(cluster: Cluster, node: NodeState): number {
	const local = cluster.state.storages.find((storage) => storage.storage === 'local');
	const stored = local ? cluster.storageUsed(local, node.name) : 0;
	return Math.min(node.rootBytes, Math.round(6.4 * 1024 ** 3 + stored));
}

export function storageRow(
	cluster: Cluster,
	storage: StorageState,
	node: string
): Record<string, unknown> {
	const row: Record<string, unknown> = {
		storage: storage.storage,
		type: storage.type,
		content: storage.content.join(','),
		shared: storage.shared ? 1 : 0,
		enabled: 1,
		active: storage.offline ? 0 : 1,
		total: 0,
		used: 0,
		avail: 0
	};
	if (storage.offline) return row;
	const used = cluster.storageUsed(storage, node);
	return {
		...row,
		total: storage.totalBytes,
		used,
		avail: storage.totalBytes - used,
		used_fraction: used / storage.totalBytes
	};
}

export function nodeRow(cluster: Cluster, node: NodeState): Record<string, unknown> {
	const row = { id: `node/${node.name}`, node: node.name, type: 'node', level: '' };
	if (!node.online) return { ...row, status: 'offline' };
	return {
		...row,
		status: 'online',
		'cgroup-mode': 2,
		cpu: nodeCpu(cluster, node),
		maxcpu: node.cores,
		mem: nodeMemory(cluster, node),
		maxmem: node.memoryBytes,
		disk: nodeDisk(cluster, node),
		maxdisk: node.rootBytes,
		uptime: Math.max(0, cluster.now() - node.bootedAt)
	};
}

/** `/cluster/resources`: only what the caller may see. */
export function resources(
	cluster: Cluster,
	caller: Caller,
	type?: string
): Record<string, unknown>[] {
	const rows: Record<string, unknown>[] = [];
	const { nodes, storages, containers } = cluster.state;
	if (!type || type === 'vm') {
		for (const container of Object.values(containers)) {
			if (!may(cluster, caller, `/vms/${container.vmid}`, 'VM.Audit')) continue;
			rows.push(containerResource(cluster, container));
		}
	}
	if (!type || type === 'node') {
		rows.push(...nodes.map((node) => nodeRow(cluster, node)));
	}
	if (!type || type === 'storage') {
		// Of a shared one every node says the same.
		const shared = new Map<string, number>();
		const usedOf = (storage: StorageState, node: string): number => {
			const used = shared.get(storage.storage) ?? cluster.storageUsed(storage, node);
			if (storage.shared) shared.set(storage.storage, used);
			return used;
		};
		for (const node of nodes) {
			for (const storage of storages) {
				if (!may(cluster, caller, `/storage/${storage.storage}`, 'Datastore.Audit')) continue;
				const known = node.online && !storage.offline;
				rows.push({
					id: `storage/${node.name}/${storage.storage}`,
					type: 'storage',
					node: node.name,
					storage: storage.storage,
					plugintype: storage.type,
					content: storage.content.join(','),
					shared: storage.shared ? 1 : 0,
					status: known ? 'available' : 'unknown',
					...(known ? { disk: usedOf(storage, node.name), maxdisk: storage.totalBytes } : {})
				});
			}
		}
	}
	return rows;
}

function containerResource(cluster: Cluster, container: ContainerState): Record<string, unknown> {
	const online = cluster.state.nodes.some((node) => node.name === container.node && node.online);
	const row = containerRow(cluster, container);
	const managed = haOf(cluster).resourceOf(container.vmid);
	const base = {
		id: `lxc/${container.vmid}`,
		type: 'lxc',
		vmid: container.vmid,
		node: container.node,
		name: row.name,
		status: online ? container.status : 'unknown',
		template: isTemplate(container) ? 1 : 0,
		...(container.pool ? { pool: container.pool } : {}),
		...(row.tags ? { tags: row.tags } : {}),
		...(row.lock ? { lock: row.lock } : {}),
		...(managed ? { hastate: managed.crm } : {})
	};
	if (!online) return base;
	return {
		...base,
		cpu: row.cpu,
		maxcpu: row.cpus,
		mem: row.mem,
		maxmem: row.maxmem,
		disk: row.disk,
		maxdisk: row.maxdisk,
		uptime: row.uptime,
		netin: row.netin,
		netout: row.netout,
		diskread: row.diskread,
		diskwrite: row.diskwrite
	};
}

const FRAMES: Record<string, { step: number; points: number }> = {
	hour: { step: 60, points: 60 },
	day: { step: 1_800, points: 48 },
	week: { step: 10_800, points: 56 },
	month: { step: 43_200, points: 60 },
	year: { step: 604_800, points: 52 }
};

/** One row per step; a row without values where the container did not run or did not exist. */
export function containerHistory(
	cluster: Cluster,
	container: ContainerState,
	timeframe: string
): Record<string, number>[] {
	const row = containerRow(cluster, container);
	return history(cluster, timeframe, (time): Record<string, number> => {
		if (container.status !== 'running' || time < (container.startedAt ?? Infinity)) return {};
		const wave = 1 + 0.3 * Math.sin(time / 900 + container.vmid);
		return {
			cpu: Number(row.cpu) * wave,
			maxcpu: Number(row.cpus),
			mem: Number(row.mem),
			maxmem: Number(row.maxmem),
			disk: Number(row.disk),
			maxdisk: Number(row.maxdisk),
			netin: NET_IN * wave,
			netout: NET_OUT * wave,
			diskread: DISK_READ * wave,
			diskwrite: DISK_WRITE * wave
		};
	});
}

export function nodeHistory(
	cluster: Cluster,
	node: NodeState,
	timeframe: string
): Record<string, number>[] {
	return history(cluster, timeframe, (time): Record<string, number> => {
		if (time < node.bootedAt) return {};
		const wave = 1 + 0.2 * Math.sin(time / 1200 + node.nodeid);
		return {
			cpu: Math.min(1, nodeCpu(cluster, node) * wave),
			maxcpu: node.cores,
			loadavg: nodeCpu(cluster, node) * node.cores * wave,
			memused: nodeMemory(cluster, node),
			memtotal: node.memoryBytes,
			rootused: nodeDisk(cluster, node),
			roottotal: node.rootBytes,
			netin: NET_IN * 40 * wave,
			netout: NET_OUT * 40 * wave
		};
	});
}

function history(
	cluster: Cluster,
	timeframe: string,
	values: (time: number) => Record<string, number>
): Record<string, number>[] {
	const { step, points } = FRAMES[timeframe] ?? FRAMES.hour!;
	const last = Math.floor(cluster.now() / step) * step;
	return Array.from({ length: points }, (_, index) => {
		const time = last - (points - 1 - index) * step;
		return { time, ...values(time) };
	});
}

/** True where the container's root disk can move with it without copying. */
export function onSharedStorage(cluster: Cluster, container: ContainerState): boolean {
	const name = rootStorage(container);
	return cluster.state.storages.some((storage) => storage.storage === name && storage.shared);
}
