import { checkUnlocked, type Cluster } from './cluster.ts';
import { BOOT_MS, HA_ROUND_MS, TASK_MS } from './durations.ts';
import { died } from './errors.ts';
import type { HaResource } from './ha.ts';
import type { Caller } from './permissions.ts';
import type { ContainerState } from './state.ts';
import type { Work } from './tasks.ts';

/** Whose tasks the manager's are. */
const MANAGER: Caller = { user: 'root@pam', token: 'root@pam', privsep: false };
/** Seconds that what runs inside has to end when nobody said how many. */
const USUAL_SECONDS = 60;

/** What is written down of high availability. */
interface Book {
	readonly state: { resources: HaResource[] };
	changed(): void;
}

/**
 * The rounds of pve-ha-crm and pve-ha-lrm: what somebody asked for is only written down, and carried out by tasks of their
 * own some seconds later. What does not end when it is asked to is an `error`, from which only `disabled` leads out.
 */
export class HaRounds {
	readonly #cluster: Cluster;
	readonly #book: Book;

	constructor(cluster: Cluster, book: Book) {
		this.#cluster = cluster;
		this.#book = book;
	}

	/** Makes what the entry asks for so. */
	async follow(resource: HaResource): Promise<void> {
		const container = await this.#next(resource);
		if (!container) return;
		if (resource.state === 'ignored') return this.#is(resource, 'ignored');
		if (resource.state === 'disabled' && resource.crm === 'error') {
			this.#is(resource, 'stopped');
			// The node's own manager goes on trying to stop it, whatever comes of that.
			if (container.status === 'running') await this.#shutdown(container, USUAL_SECONDS);
			return this.#restart(resource, container);
		}
		if (resource.crm === 'error') return;
		if (resource.state === 'started') return this.#start(resource, container);
		await this.#end(resource, container, USUAL_SECONDS);
	}

	/** A command, which is heard of what is started alone. */
	async stop(resource: HaResource, seconds: number): Promise<void> {
		const container = await this.#next(resource);
		if (!container || resource.crm !== 'started') return;
		resource.state = 'stopped';
		await this.#end(resource, container, seconds);
	}

	/** @returns its container; null when nothing is to be done: the entry or the container went, or its node is down */
	async #next(resource: HaResource): Promise<ContainerState | null> {
		const { state } = this.#cluster;
		await this.#cluster.kernel.work('proxmox', HA_ROUND_MS);
		if (this.#cluster.state !== state || !this.#book.state.resources.includes(resource))
			return null;
		const container = state.containers[resource.sid.slice('ct:'.length)];
		const isUp = state.nodes.some(({ name, online }) => name === container?.node && online);
		return container && isUp ? container : null;
	}

	async #start(resource: HaResource, container: ContainerState): Promise<void> {
		this.#is(resource, 'started');
		if (container.status === 'running') return;
		const begun = await this.#task(container, 'vzstart', async (work) => {
			checkUnlocked(container);
			await work.wait(TASK_MS.vzstart);
			this.#cluster.markRunning(container, BOOT_MS);
		});
		// Other nodes are tried as well, where what keeps it from starting is just the same.
		if (!begun) this.#is(resource, 'error');
	}

	async #end(resource: HaResource, container: ContainerState, seconds: number): Promise<void> {
		if (container.status !== 'running') return this.#is(resource, 'stopped');
		this.#is(resource, 'request_stop');
		const ended =
			seconds > 0 ? await this.#shutdown(container, seconds) : await this.#pull(container);
		this.#is(resource, ended || resource.state === 'disabled' ? 'stopped' : 'error');
		await this.#restart(resource, container);
	}

	/** Somebody wanted it to run again meanwhile. */
	async #restart(resource: HaResource, container: ContainerState): Promise<void> {
		const isWanted = resource.state === 'started' && resource.crm !== 'error';
		if (isWanted && container.status !== 'running') await this.follow(resource);
	}

	/** Without the plug being pulled: what does not end in time runs on. */
	#shutdown(container: ContainerState, seconds: number): Promise<boolean> {
		return this.#task(container, 'vzshutdown', async (work) => {
			checkUnlocked(container);
			await work.wait(container.ignoresShutdown ? seconds * 1000 : TASK_MS.vzshutdown);
			if (container.ignoresShutdown)
				throw died(
					`command 'lxc-stop -n ${container.vmid} --nokill --timeout ${seconds}' failed: exit code 1`
				);
			this.#cluster.markStopped(container);
		});
	}

	#pull(container: ContainerState): Promise<boolean> {
		return this.#task(container, 'vzstop', async (work) => {
			checkUnlocked(container);
			await work.wait(TASK_MS.vzstop);
			this.#cluster.markStopped(container);
		});
	}

	/** @returns whether it ended well */
	#task(
		{ node, vmid }: ContainerState,
		type: string,
		run: (work: Work) => Promise<void>
	): Promise<boolean> {
		return new Promise((resolve) => {
			this.#cluster.tasks.start(node, type, vmid, MANAGER, run, (exitstatus) =>
				resolve(exitstatus === 'OK')
			);
		});
	}

	#is(resource: HaResource, crm: string): void {
		resource.crm = crm;
		this.#book.changed();
	}
}
