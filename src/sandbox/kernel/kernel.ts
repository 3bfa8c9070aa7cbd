import { setTimeout as sleep } from 'node:timers/promises';
import { CallLog } from './calls.ts';
import { SandboxClock } from './clock.ts';
import { Faults, type Vendor } from './faults.ts';
import { Store } from './store.ts';
import { Network } from './network.ts';

export interface KernelOptions {
	/** Folder of the state; null keeps it in memory. */
	dataDir: string | null;
	/** Factor on every simulated latency: 1 is as slow as the real thing, 0 is at once. */
	speed: number;
}

/** What all stand-ins share. */
export class Kernel {
	readonly clock = new SandboxClock();
	readonly faults = new Faults();
	readonly calls = new CallLog();
	readonly network = new Network();
	readonly store: Store;
	readonly #resets: (() => void)[] = [];
	speed: number;

	constructor(options: KernelOptions) {
		this.store = new Store(options.dataDir);
		this.speed = options.speed;
	}

	/** Waits as long as the real service would take to answer, scaled. @param ms real-life milliseconds */
	async latency(vendor: Vendor, ms: number): Promise<void> {
		const wait = ms * this.speed;
		if (wait >= 1) await sleep(wait);
	}

	/** The same for what goes on beside nothing else of its kind: a change, a task, a command. */
	async work(vendor: Vendor, ms: number, signal?: AbortSignal): Promise<void> {
		const wait = ms * this.speed;
		if (wait < 1) return;
		this.calls.simulated(vendor, wait);
		await sleep(wait, undefined, { signal });
	}

	/** Runs after every reset of the store, for what lives outside it (timers, sockets, tasks). */
	onReset(callback: () => void): void {
		this.#resets.push(callback);
	}

	reset(): void {
		this.faults.clear();
		this.calls.clear();
		this.clock.offsetMs = 0;
		this.store.reset();
		for (const callback of this.#resets) callback();
	}
}
