import { createHash, randomBytes } from 'node:crypto';
import type { Kernel } from '../kernel/kernel.ts';
import type { StoreDocument } from '../kernel/store.ts';
import { Guests } from '../odoo/guests.ts';
import { PveError, died } from './errors.ts';
import {
	GIB,
	initialState,
	type ClusterState,
	type ConfigValue,
	type ContainerState,
	type NodeState,
	type StorageState
} from './state.ts';
import { Tasks } from './tasks.ts';

const clusters = new WeakMap<Kernel, Cluster>();

/** The one cluster of a sandbox: the API, SSH and the containers' services all work on it. */
export function clusterOf(kernel: Kernel): Cluster {
	const known = clusters.get(kernel);
	if (known) return known;
	const cluster = new Cluster(kernel);
	clusters.set(kernel, cluster);
	return cluster;
}

/** Pretended disk use of a system before any database. */
const SYSTEM_BYTES = 2.2 * GIB;

export class Cluster {
	readonly kernel: Kernel;
	readonly guests: Guests;
	readonly tasks: Tasks;
	readonly #document: StoreDocument<ClusterState>;
	/** Told when a node goes down or comes back, so that servers stop or listen again. */
	readonly #watchers: ((node: NodeState) => void)[] = [];
	/** Whoever runs servers on the nodes. */
	readonly #hosts: ((node: NodeState) => Promise<object>)[] = [];

	constructor(kernel: Kernel) {
		this.kernel = kernel;
		this.#document = kernel.store.document('proxmox', () => initialState(kernel.clock.now()));
		this.guests = new Guests(kernel);
		this.tasks = new Tasks(this);
		kernel.onReset(() => {
			this.tasks.forget();
			for (const node of this.state.nodes) this.#tell(node);
		});
	}

	get state(): ClusterState {
		return this.#document.get();
	}

	changed(): void {
		this.#document.changed();
	}

	now(): number {
		return this.kernel.clock.now();
	}

	/** @throws PveError as pveproxy words an unknown or unreachable node */
	node(name: string): NodeState {
		const node = this.state.nodes.find((candidate) => candidate.name === name);
		if (!node) {
			throw died(
				`hostname lookup '${name}' failed - failed to get address info for: ${name}: Name or service not known`
			);
		}
		if (!node.online) throw new PveError(595, 'No route to host');
		return node;
	}

	/** The container on that node. @throws PveError 500 when it is elsewhere or nowhere */
	container(node: string, vmid: string | number): ContainerState {
		const container = this.state.containers[String(vmid)];
		if (!container || container.node !== node) {
			throw died(`Configuration file 'nodes/${node}/lxc/${vmid}.conf' does not exist`);
		}
		return container;
	}

	storage(name: string): StorageState {
		const storage = this.state.storages.find((candidate) => candidate.storage === name);
		if (!storage) throw died(`storage '${name}' does not exist`);
		return storage;
	}

	onNode(node: string): ContainerState[] {
		return Object.values(this.state.containers).filter((container) => container.node === node);
	}

	/** Registers who is told when a node goes down or comes back. */
	watch(callback: (node: NodeState) => void): void {
		this.#watchers.push(callback);
	}

	/** Registers who serves a node that joins. @param callback answers what a client needs to reach it */
	serve(callback: (node: NodeState) => Promise<object>): void {
		this.#hosts.push(callback);
	}

	/** A further node becomes a member, unless it is one. @returns how to reach it, by what it serves */
	async join(node: NodeState): Promise<object> {
		if (!this.state.nodes.includes(node)) {
			this.state.nodes.push(node);
			this.state.version += 1;
		}
		const ways = await Promise.all(this.#hosts.map((host) => host(node)));
		this.changed();
		return Object.assign({}, ...ways) as object;
	}

	#tell(node: NodeState): void {
		for (const callback of this.#watchers) callback(node);
	}

	/**
	 * Cuts a node's power or gives it back. Its tasks die where they were, locks of half-made containers stay, and its
	 * containers come back running only with `onboot`.
	 */
	setOnline(name: string, online: boolean): void {
		const node = this.state.nodes.find((candidate) => candidate.name === name);
		if (!node || node.online === online) return;
		node.online = online;
		if (online) node.bootedAt = this.now();
		else this.tasks.killOn(name);
		for (const container of this.onNode(name)) {
			if (!online) this.markStopped(container);
			// Nothing starts what is locked.
			else if (Number(container.config.onboot ?? 0) === 1 && !container.config.lock)
				this.markRunning(container, 6_000);
		}
		this.changed();
		this.#tell(node);
	}

	markRunning(container: ContainerState, bootMs: number): void {
		container.status = 'running';
		container.startedAt = this.now();
		const boot = bootMs * this.kernel.speed;
		container.readyAtMs = Date.now() + boot;
		this.kernel.calls.simulated('proxmox', boot);
		for (const [key, change] of Object.entries(container.pending)) {
			if (change.delete) delete container.config[key];
			else if (change.value !== undefined) container.config[key] = change.value;
		}
		container.pending = {};
		this.changed();
	}

	markStopped(container: ContainerState): void {
		container.status = 'stopped';
		container.startedAt = null;
		this.changed();
	}

	/** What the container at this address is, when it runs and its node is up. */
	containerAt(address: string): ContainerState | null {
		for (const container of Object.values(this.state.containers)) {
			if (container.status === 'running' && addressOf(container) === address) return container;
		}
		return null;
	}

	newMac(): string {
		const tail = randomBytes(3).toString('hex').toUpperCase();
		return `BC:24:11:${tail.slice(0, 2)}:${tail.slice(2, 4)}:${tail.slice(4, 6)}`;
	}

	/** Bytes in use on a storage as one node sees it. Both pools are thin: what is written counts, not what is allotted. */
	storageUsed(storage: StorageState, node: string): number {
		let used = storage.filled[storage.shared ? '*' : node] ?? 0;
		for (const volume of storage.volumes) used += volume.size;
		for (const backup of this.state.backups) {
			if (backup.storage === storage.storage && (storage.shared || backup.node === node)) {
				used += backup.size;
			}
		}
		const there = storage.shared ? Object.values(this.state.containers) : this.onNode(node);
		for (const container of there) {
			if (rootStorage(container) === storage.storage) used += this.diskUsed(container);
		}
		return Math.min(storage.totalBytes, Math.round(used));
	}

	diskUsed(container: ContainerState): number {
		return Math.round(SYSTEM_BYTES + this.guests.bytes(container.vmid));
	}

	/** Fraction of the container's own cores. */
	cpuUsed(container: ContainerState): number {
		if (container.status !== 'running') return 0;
		const wave = Math.sin(this.now() / 600 + container.vmid) + 1;
		return 0.01 + 0.03 * wave * Math.min(2, this.guests.databaseCount(container.vmid) / 4 + 0.5);
	}

	memoryUsed(container: ContainerState): number {
		if (container.status !== 'running') return 0;
		const wanted = 420 * 1024 ** 2 + this.guests.databaseCount(container.vmid) * 90 * 1024 ** 2;
		return Math.min(Number(container.config.memory ?? 512) * 1024 ** 2, wanted);
	}
}

export function isTemplate(container: ContainerState): boolean {
	return Number(container.config.template ?? 0) === 1;
}

export function lockOf(container: ContainerState): string | null {
	return container.config.lock === undefined ? null : String(container.config.lock);
}

/** @throws PveError 500 "CT is locked (…)" */
export function checkUnlocked(container: ContainerState): void {
	const lock = lockOf(container);
	if (lock) throw died(`CT is locked (${lock})`);
}

/** `volume,size=8G` → the storage's name. */
export function rootStorage(container: ContainerState): string {
	return String(container.config.rootfs ?? '').split(':')[0] ?? '';
}

/** Size of the root disk in bytes. */
export function rootBytes(container: ContainerState): number {
	const size = /size=(\d+)([MGT]?)/.exec(String(container.config.rootfs ?? ''));
	if (!size) return 0;
	const unit = { M: 1024 ** 2, G: GIB, T: 1024 * GIB }[size[2] ?? ''] ?? 1;
	return Number(size[1]) * unit;
}

export function netOptions(value: ConfigValue | undefined): Record<string, string> {
	const options: Record<string, string> = {};
	for (const part of String(value ?? '').split(',')) {
		const at = part.indexOf('=');
		if (at > 0) options[part.slice(0, at)] = part.slice(at + 1);
	}
	return options;
}

export function joinOptions(options: Record<string, string>): string {
	const rest = Object.keys(options).filter((key) => key !== 'name');
	return ['name', ...rest.sort()].map((key) => `${key}=${options[key]}`).join(',');
}

/** Static IPv4 address of the first interface, without the prefix; null with DHCP or none. */
export function addressOf(container: ContainerState): string | null {
	const ip = netOptions(container.config.net0).ip;
	return ip && /^\d/.test(ip) ? ip.split('/')[0]! : null;
}

/** SHA-1 over the configuration file's text, as PVE::AbstractConfig does. */
export function digestOf(container: ContainerState): string {
	const lines = Object.entries(container.config).map(([key, value]) => `${key}: ${value}\n`);
	for (const [key, change] of Object.entries(container.pending)) {
		lines.push(`[pve:pending] ${key}: ${change.value ?? 'delete'}\n`);
	}
	return createHash('sha1').update(lines.sort().join('')).digest('hex');
}
