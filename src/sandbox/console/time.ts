import type { Kernel } from '../kernel/kernel.ts';
import type { StoreDocument } from '../kernel/store.ts';
import type { Account } from '../stripe/account.ts';
import { runDue } from '../stripe/due.ts';

/** The clock that everybody shares: the stand-ins' and, where it offers one, the application's. */
export class Time {
	readonly #kernel: Kernel;
	readonly #account: Account;
	readonly #appUrl: string | undefined;
	readonly #kept: StoreDocument<{ offset_ms: number }>;

	constructor(kernel: Kernel, account: Account, appUrl: string | undefined) {
		this.#kernel = kernel;
		this.#account = account;
		this.#appUrl = appUrl;
		this.#kept = kernel.store.document('clock', () => ({ offset_ms: 0 }));
		// A restart must not fall back behind the periods that were already paid.
		kernel.clock.offsetMs = this.#kept.get().offset_ms;
	}

	read(): { now: number; offset_ms: number } {
		return { now: this.#kernel.clock.now(), offset_ms: this.#kernel.clock.offsetMs };
	}

	/**
	 * Moves time forward and lets happen what falls due: renewals, expiries, retries.
	 * @returns the clock, and whether the application moved along
	 */
	async advance(seconds: number): Promise<{ now: number; offset_ms: number; app: string }> {
		this.#kernel.clock.advance(seconds * 1000);
		this.#kept.get().offset_ms = this.#kernel.clock.offsetMs;
		this.#kept.changed();
		// The application first: what falls due then finds it at the same time.
		const app = await this.#tellApp();
		runDue(this.#account);
		return { ...this.read(), app };
	}

	async #tellApp(): Promise<string> {
		if (!this.#appUrl) return 'no application';
		try {
			const response = await fetch(new URL('/__sandbox/clock', this.#appUrl), {
				method: 'POST',
				headers: { 'content-type': 'application/json', origin: new URL(this.#appUrl).origin },
				body: JSON.stringify({ offset_ms: this.#kernel.clock.offsetMs }),
				signal: AbortSignal.timeout(5000)
			});
			return response.ok ? 'moved' : `HTTP ${response.status}`;
		} catch (error) {
			return error instanceof Error ? error.message : String(error);
		}
	}
}
