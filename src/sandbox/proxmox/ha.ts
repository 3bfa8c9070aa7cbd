import type { Kernel } from '../kernel/kernel.ts';
import type { StoreDocument } from '../kernel/store.ts';
import { rootStorage, type Cluster } from './cluster.ts';
import { BOOT_MS, FENCE_MS, TASK_MS } from './durations.ts';
import { died } from './errors.ts';
import { HaRounds } from './haRounds.ts';
import { sendError } from './sending.ts';
import type { ContainerState } from './state.ts';

/** An entry of `/etc/pve/ha/resources.cfg`, with what the cluster resource manager makes of it. */
export interface HaResource {
	/** `ct:101` */
	sid: string;
	state: 'started' | 'stopped' | 'disabled' | 'ignored';
	max_restart: number;
	max_relocate: number;
	failback: boolean;
	comment?: string;
	/** As the CRM sees it: `queued`, `started`, `request_stop`, `stopped`, `fence`, `recovery`, `error`, `ignored` */
	crm: string;
}

/** A rule of `/etc/pve/ha/rules.cfg`: on which nodes resources run, and which of them they like better. */
export interface NodeAffinity {
	rule: string;
	/** `ct:101,ct:102` */
	resources: string;
	/** `pve1:2,pve2:1`: the higher number is the better node. */
	nodes: string;
	strict: boolean;
	disable: boolean;
	comment?: string;
}

/** A job of `/etc/pve/replication.cfg` with its state. */
export interface ReplicationJob {
	/** `101-0` */
	id: string;
	guest: number;
	target: string;
	schedule: string;
	disable: boolean;
	comment?: string;
	/** The node whose disks were sent. */
	source: string;
	/** Unix seconds; 0: never. */
	lastSync: number;
	lastTry: number;
	/** Seconds that it took. */
	duration: number;
	failCount: number;
	error?: string;
	/** What was inside at the last sync: what a failover finds. */
	guestCopy: string | null;
	/** It is on its way out, and goes once the copy has been removed. */
	remove_job?: 'full';
	/** A rollback took its snapshot away: the next send needs the one that was gone back to. */
	needsSnapshot?: string;
}

interface HaState {
	resources: HaResource[];
	rules: NodeAffinity[];
	jobs: ReplicationJob[];
}

const managers = new WeakMap<Kernel, HighAvailability>();

/** The one manager of a sandbox's cluster. */
export function haOf(cluster: Cluster): HighAvailability {
	const known = managers.get(cluster.kernel);
	if (known) return known;
	const manager = new HighAvailability(cluster);
	managers.set(cluster.kernel, manager);
	return manager;
}

/** What pve-ha-crm, pve-ha-lrm and pvesr do: containers of a node that died run on another one, and disks are sent ahead. */
export class HighAvailability {
	readonly #cluster: Cluster;
	readonly #document: StoreDocument<HaState>;
	readonly #rounds: HaRounds;

	constructor(cluster: Cluster) {
		this.#cluster = cluster;
		this.#rounds = new HaRounds(cluster, this);
		this.#document = cluster.kernel.store.document('proxmox-ha', () => {
			return { resources: [], rules: [], jobs: [] };
		});
		cluster.watch((node) => {
			if (node.online) this.#returned(node.name);
			else void this.#died(node.name);
		});
	}

	get state(): HaState {
		return this.#document.get();
	}

	changed(): void {
		this.#document.changed();
		this.#cluster.changed();
	}

	resourceOf(vmid: number | string): HaResource | undefined {
		return this.state.resources.find(({ sid }) => sid === `ct:${vmid}`);
	}

	/** Forgets everything about a container: `purge` of its removal. */
	forget(vmid: number): void {
		const { state } = this;
		state.resources = state.resources.filter(({ sid }) => sid !== `ct:${vmid}`);
		state.jobs = state.jobs.filter(({ guest }) => guest !== vmid);
		for (const rule of state.rules) {
			rule.resources = list(rule.resources)
				.filter((sid) => sid !== `ct:${vmid}`)
				.join(',');
		}
		state.rules = state.rules.filter(({ resources }) => resources !== '');
		this.changed();
	}

	/** The entry of a container that is looked after: one that is to be ignored is on its own. */
	managing(vmid: number | string): HaResource | undefined {
		const found = this.resourceOf(vmid);
		return found?.state === 'ignored' ? undefined : found;
	}

	/** The requested state is made so by the next rounds. */
	converge(resource: HaResource): void {
		void this.#rounds.follow(resource);
	}

	/** `ha-manager crm-command stop`. @param seconds that what runs inside has to end; 0: the plug is pulled */
	stop(resource: HaResource, seconds: number): void {
		void this.#rounds.stop(resource, seconds);
	}

	/** `ha-manager relocate`: stopped here, started there. @throws PveError when its disk is not there */
	relocate(resource: HaResource, target: string): void {
		const container = this.#containerOf(resource);
		if (!container) return;
		const job = this.state.jobs.find(({ guest }) => guest === container.vmid);
		if (!this.#cluster.storage(rootStorage(container)).shared && job?.target !== target) {
			throw died(`storage '${rootStorage(container)}' is not available on node '${target}'`);
		}
		this.#cluster.node(target);
		const runs = container.status === 'running';
		this.#cluster.markStopped(container);
		if (job) job.target = container.node;
		container.node = target;
		if (runs) this.#cluster.markRunning(container, BOOT_MS);
		this.changed();
	}

	/** The jobs, after what their schedules have asked for since the last look. */
	synced(): ReplicationJob[] {
		const now = this.#cluster.now();
		for (const job of this.state.jobs) {
			const minutes = Number(/^\*\/(\d+)$/.exec(job.schedule)?.[1] ?? 15);
			const isDue = job.lastSync > 0 && Math.max(job.lastSync, job.lastTry) + minutes * 60 <= now;
			const source = this.#cluster.state.containers[job.guest]?.node;
			const isUp = this.#cluster.state.nodes.some(({ name, online }) => name === source && online);
			if (isDue && isUp && !job.disable && !job.remove_job) this.sync(job);
		}
		return this.state.jobs;
	}

	/** Takes a job out: its target removes the copy first, if it is there to do so. */
	async removeJob(job: ReplicationJob, force: boolean): Promise<void> {
		job.remove_job = 'full';
		this.changed();
		if (!force) await this.#cluster.kernel.work('proxmox', TASK_MS.vzsnapshot);
		const target = this.#cluster.state.nodes.find(({ name }) => name === job.target);
		if (!force && target && !target.online) return;
		this.state.jobs = this.state.jobs.filter((one) => one !== job);
		this.changed();
	}

	/** Sends a container's disk ahead. @returns the error, when it cannot be sent now */
	sync(job: ReplicationJob): string | null {
		const cluster = this.#cluster;
		const container = cluster.state.containers[job.guest];
		job.lastTry = cluster.now();
		const error = sendError(cluster, job);
		if (error || !container) {
			job.failCount += 1;
			job.error = error ?? '';
		} else {
			job.failCount = 0;
			delete job.error;
			delete job.needsSnapshot;
			job.lastSync = cluster.now();
			job.duration = 3.1;
			job.source = container.node;
			job.guestCopy = cluster.guests.save(container.vmid);
		}
		this.changed();
		return error;
	}

	/** The nodes that a resource may run on, the better ones first; those that no rule names last, unless it is strict. */
	#nodesFor(sid: string): string[] {
		const rule = this.state.rules.find((one) => !one.disable && list(one.resources).includes(sid));
		const weight = new Map(
			list(rule?.nodes ?? '').map((entry) => {
				const [name = '', priority = '0'] = entry.split(':');
				return [name, Number(priority) + 1];
			})
		);
		return this.#cluster.state.nodes
			.filter(({ name, online }) => online && (!rule?.strict || weight.has(name)))
			.map(({ name }) => name)
			.sort((a, b) => (weight.get(b) ?? 0) - (weight.get(a) ?? 0) || a.localeCompare(b));
	}

	async #died(name: string): Promise<void> {
		const { state } = this.#cluster;
		const struck = this.#startedOn(name);
		if (struck.length === 0) return;
		for (const resource of struck) resource.crm = 'fence';
		this.changed();
		await this.#cluster.kernel.work('proxmox', FENCE_MS);
		const node = this.#cluster.state.nodes.find((one) => one.name === name);
		// Reset, or back before the fencing was over.
		if (this.#cluster.state !== state || node?.online) return;
		const alive = state.nodes.filter(({ online }) => online).length;
		// Without a majority nobody may act.
		if (alive <= state.nodes.length / 2) return;
		for (const resource of struck) this.#recover(resource, name);
	}

	#recover(resource: HaResource, from: string): void {
		const container = this.#containerOf(resource);
		if (!container || container.node !== from || !this.state.resources.includes(resource)) return;
		const storage = this.#cluster.storage(rootStorage(container));
		const job = this.state.jobs.find(({ guest }) => guest === container.vmid);
		const target = this.#nodesFor(resource.sid).find(
			(name) => storage.shared || (job?.target === name && job.lastSync > 0)
		);
		if (!target) {
			resource.crm = 'recovery';
			this.changed();
			return;
		}
		container.node = target;
		delete container.config.lock;
		if (!storage.shared && job) {
			this.#cluster.guests.restore(container.vmid, job.guestCopy);
			// From now on it is sent the other way.
			job.target = from;
			job.lastSync = 0;
			job.guestCopy = null;
		}
		resource.crm = 'started';
		this.#cluster.markRunning(container, BOOT_MS);
		this.changed();
	}

	/** A node that comes back starts what it still has; what likes it better comes home. */
	#returned(name: string): void {
		for (const job of this.state.jobs)
			if (job.remove_job && job.target === name) void this.removeJob(job, false);
		for (const resource of this.#startedOn(name)) this.converge(resource);
		for (const resource of this.state.resources) {
			const container = this.#containerOf(resource);
			if (!resource.failback || resource.state !== 'started' || !container) continue;
			if (container.node === name || this.#nodesFor(resource.sid)[0] !== name) continue;
			if (!this.#hasRule(resource.sid)) continue;
			if (!this.#cluster.storage(rootStorage(container)).shared) continue;
			this.#cluster.markStopped(container);
			container.node = name;
			this.#cluster.markRunning(container, BOOT_MS);
			this.changed();
		}
	}

	#hasRule(sid: string): boolean {
		return this.state.rules.some((one) => !one.disable && list(one.resources).includes(sid));
	}

	#startedOn(node: string): HaResource[] {
		return this.state.resources.filter(
			(resource) => resource.state === 'started' && this.#containerOf(resource)?.node === node
		);
	}

	#containerOf({ sid }: HaResource): ContainerState | undefined {
		return this.#cluster.state.containers[sid.slice('ct:'.length)];
	}
}

function list(value: string): string[] {
	return value.split(/[,; ]+/).filter(Boolean);
}
