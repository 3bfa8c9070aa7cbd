import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from './cluster.ts';
import { died } from './errors.ts';
import type { Caller } from './permissions.ts';
import type { TaskState } from './state.ts';

/** What a task's work is given. */
export interface Work {
	/** Appends a line to the task's log. */
	log(line: string): void;
	/** Appends a warning: the task then ends `WARNINGS: n`. */
	warn(line: string): void;
	/** Waits real-life milliseconds, scaled; throws when the task is stopped or its node dies. */
	wait(ms: number): Promise<void>;
	/** Runs when the work fails or is stopped: what the worker puts back. Not when the node loses power. */
	onFailure(cleanup: () => void): void;
}

interface Running {
	abort: AbortController;
	/** How the task ended from outside: its exit status, and whether the worker could still tidy up. */
	end: { exitstatus: string; cleanup: boolean } | null;
}

const KEPT = 1000;

/** Worker tasks: begun by a call, finished later, remembered with their log. */
export class Tasks {
	readonly #cluster: Cluster;
	readonly #running = new Map<string, Running>();

	constructor(cluster: Cluster) {
		this.#cluster = cluster;
		// Whoever ran these died with the last process: their result is unknown for ever.
		for (const task of cluster.state.tasks) {
			if (task.endtime === undefined) this.#abandon(task);
		}
	}

	#abandon(task: TaskState): void {
		task.endtime = this.#cluster.now();
		task.exitstatus = 'unexpected status';
		// A source that was being copied is whole; a half-made copy and what was on its way keep their locks.
		const container = this.#cluster.state.containers[task.id];
		const stays = ['create', 'migrate'].includes(String(container?.config.lock));
		if (container && !stays) delete container.config.lock;
		this.#cluster.changed();
	}

	/**
	 * Starts a task and returns its UPID at once.
	 * A fault with target `proxmox` whose pattern names `TASK <type> <id>` makes it late (`delay`), end with the text in
	 * `body` before or after its work (`status`), end with a warning after its work (`malformed`) or never end (`timeout`).
	 * @param ended hears its exit status
	 */
	start(
		node: string,
		type: string,
		id: string | number,
		caller: Caller,
		run: (work: Work) => Promise<void>,
		ended?: (exitstatus: string) => void
	): string {
		const cluster = this.#cluster;
		const pid = cluster.state.nextPid++;
		const starttime = cluster.now();
		const pstart = 1_000_000 + pid * 37;
		const hex = (value: number) => value.toString(16).toUpperCase().padStart(8, '0');
		const upid = `UPID:${node}:${hex(pid)}:${hex(pstart)}:${hex(starttime)}:${type}:${id}:${caller.token}:`;
		const task: TaskState = {
			upid,
			node,
			pid,
			pstart,
			starttime,
			type,
			id: String(id),
			user: caller.user,
			tokenid: caller.token.split('!')[1],
			log: []
		};
		cluster.state.tasks.push(task);
		if (cluster.state.tasks.length > KEPT) cluster.state.tasks.shift();
		cluster.changed();
		const running: Running = { abort: new AbortController(), end: null };
		this.#running.set(upid, running);
		void this.#run(task, running, run).then(() => {
			if (task.exitstatus !== undefined) ended?.(task.exitstatus);
		});
		return upid;
	}

	async #run(task: TaskState, running: Running, run: (work: Work) => Promise<void>): Promise<void> {
		const state = this.#cluster.state;
		const cleanups: (() => void)[] = [];
		let warnings = 0;
		const work: Work = {
			log: (line) => void task.log.push(line),
			warn: (line) => {
				warnings += 1;
				task.log.push(`WARN: ${line}`);
			},
			wait: async (ms) => {
				running.abort.signal.throwIfAborted();
				await this.#cluster.kernel.work('proxmox', ms, running.abort.signal);
			},
			onFailure: (cleanup) => void cleanups.push(cleanup)
		};
		let exitstatus = 'OK';
		try {
			await this.#faulty(task, running, work, run);
			if (warnings > 0) exitstatus = `WARNINGS: ${warnings}`;
		} catch (error) {
			// After a reset this state is nobody's any more.
			if (this.#cluster.state !== state) return;
			exitstatus = running.end?.exitstatus ?? messageOf(error);
			if (running.end?.cleanup !== false) for (const cleanup of cleanups) cleanup();
		}
		this.#running.delete(task.upid);
		if (exitstatus === 'OK') task.log.push('TASK OK');
		else if (exitstatus.startsWith('WARNINGS')) task.log.push(`TASK ${exitstatus}`);
		else if (exitstatus !== 'unexpected status') task.log.push(`TASK ERROR: ${exitstatus}`);
		task.endtime = this.#cluster.now();
		task.exitstatus = exitstatus;
		this.#cluster.changed();
	}

	async #faulty(
		task: TaskState,
		running: Running,
		work: Work,
		run: (work: Work) => Promise<void>
	): Promise<void> {
		const { faults } = this.#cluster.kernel;
		const meant = faults.list().some((fault) => fault.match.includes('TASK'));
		const fault = meant
			? faults.take('proxmox', `TASK ${task.type} ${task.id}`, task.log.join('\n'))
			: undefined;
		const signal = running.abort.signal;
		if (fault?.kind === 'delay' && fault.when === 'before') {
			await sleep(fault.ms ?? 1000, undefined, { signal });
		}
		if (fault?.kind === 'timeout' && fault.when === 'before') await forever(signal);
		if (fault?.kind === 'status' && fault.when === 'before') {
			// The work runs up to its first wait, so that what it tidies up is known and is tidied.
			const failing: Work = {
				...work,
				wait: () => Promise.reject(died(fault.body ?? 'command failed: exit code 1'))
			};
			await run(failing);
			throw died(fault.body ?? 'command failed: exit code 1');
		}
		await run(work);
		faults.struck(fault);
		if (fault?.kind === 'delay' && fault.when === 'after') {
			await sleep(fault.ms ?? 1000, undefined, { signal });
		}
		if (fault?.kind === 'timeout' && fault.when === 'after') await forever(signal);
		if (fault?.kind === 'malformed') work.warn(fault.body ?? 'something was not quite right');
		if (fault?.kind === 'status' && fault.when === 'after') {
			running.end = { exitstatus: fault.body ?? 'command failed: exit code 1', cleanup: false };
			throw died(running.end.exitstatus);
		}
	}

	find(upid: string): TaskState | undefined {
		return this.#cluster.state.tasks.find((task) => task.upid === upid);
	}

	stop(upid: string): void {
		this.#end(upid, { exitstatus: 'interrupted by signal', cleanup: true });
	}

	/** The node lost power. */
	killOn(node: string): void {
		for (const task of this.#cluster.state.tasks) {
			if (task.node !== node || task.endtime !== undefined) continue;
			this.#end(task.upid, { exitstatus: 'unexpected status', cleanup: false });
			this.#abandon(task);
		}
	}

	/** Every task of a state that was reset. */
	forget(): void {
		for (const running of this.#running.values()) running.abort.abort();
		this.#running.clear();
	}

	#end(upid: string, end: Running['end']): void {
		const running = this.#running.get(upid);
		if (!running) return;
		running.end = end;
		running.abort.abort();
	}
}

function forever(signal: AbortSignal): Promise<never> {
	return new Promise((_resolve, reject) => {
		signal.addEventListener('abort', () => reject(signal.reason), { once: true });
	});
}

function messageOf(error: unknown): string {
	return error instanceof Error ? error.message.trim() : String(error);
}
