/** The sandbox's time: real time plus an offset that the console and Stripe's test clocks move. */
export class SandboxClock {
	#offsetMs = 0;

	/** Milliseconds since the epoch. */
	nowMs(): number {
		return Date.now() + this.#offsetMs;
	}

	/** Unix seconds, as Stripe and Proxmox write time. */
	now(): number {
		return Math.floor(this.nowMs() / 1000);
	}

	get offsetMs(): number {
		return this.#offsetMs;
	}

	advance(ms: number): void {
		this.#offsetMs += ms;
	}

	set offsetMs(ms: number) {
		this.#offsetMs = ms;
	}
}
