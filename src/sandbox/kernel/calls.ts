import type { Vendor } from './faults.ts';

/** One call that a stand-in received, as the console shows it. */
export interface Call {
	at: number;
	vendor: Vendor;
	line: string;
	request?: string;
	status: number | string;
	response?: string;
	/** Time from the request to its answer, the simulated latency included. */
	ms: number;
	fault?: string;
}

const KEPT = 2000;
const LONGEST = 4000;

/** The last calls, newest last. */
export class CallLog {
	#calls: Call[] = [];
	/** Milliseconds that calls, tasks and commands took by simulation, per vendor, without what goes on beside others. */
	readonly simulatedMs: Partial<Record<Vendor, number>> = {};

	simulated(vendor: Vendor, ms: number): void {
		this.simulatedMs[vendor] = (this.simulatedMs[vendor] ?? 0) + ms;
	}

	add(call: Call): void {
		this.#calls.push({
			...call,
			request: call.request?.slice(0, LONGEST),
			response: call.response?.slice(0, LONGEST)
		});
		if (this.#calls.length > KEPT) this.#calls.splice(0, this.#calls.length - KEPT);
	}

	list(filter: { vendor?: string; match?: string } = {}): Call[] {
		const pattern = filter.match ? new RegExp(filter.match) : null;
		return this.#calls.filter(
			(call) =>
				(!filter.vendor || call.vendor === filter.vendor) && (!pattern || pattern.test(call.line))
		);
	}

	clear(): void {
		this.#calls = [];
	}
}
