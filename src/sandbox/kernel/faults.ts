import { randomUUID } from 'node:crypto';

export type Vendor =
	| 'stripe'
	| 'webhook'
	| 'cloudflare'
	| 'edge'
	| 'proxmox'
	| 'ssh'
	| 'odoo'
	| 'dns'
	| 'smtp'
	| 'console';

/**
 * What goes wrong with the next matching calls.
 * `delay` answers late by `ms`; `status` answers `status` with `body`; `timeout` never answers; `reset` cuts the
 * connection; `malformed` answers bytes that are not the protocol; `drop` swallows a message (webhooks, DNS, mail);
 * `duplicate` and `reorder` are for webhooks.
 */
export type FaultKind =
	'delay' | 'status' | 'timeout' | 'reset' | 'malformed' | 'duplicate' | 'reorder' | 'drop';

export interface Fault {
	id: string;
	target: Vendor;
	/** Regular expression over the call's line: `METHOD /path?query` for HTTP, the command for ssh, the event type for webhook, the name for dns. Empty: every call. */
	match: string;
	kind: FaultKind;
	/** How many calls are still to misbehave. */
	times: number;
	/** Let this many matching calls pass first. */
	skip: number;
	/** `before`: the call has no effect; `after`: it takes effect, then its answer is spoiled. */
	when: 'before' | 'after';
	status?: number;
	body?: string;
	ms?: number;
}

export type FaultRequest = Pick<Fault, 'target' | 'kind'> & Partial<Omit<Fault, 'id'>>;

export class Faults {
	#faults: Fault[] = [];

	add(request: FaultRequest): Fault {
		const fault: Fault = {
			match: '',
			times: 1,
			skip: 0,
			when: 'before',
			...request,
			id: randomUUID()
		};
		new RegExp(fault.match);
		this.#faults.push(fault);
		return fault;
	}

	list(): readonly Fault[] {
		return this.#faults;
	}

	clear(id?: string): void {
		this.#faults = id ? this.#faults.filter((fault) => fault.id !== id) : [];
	}

	/** The fault that this call meets, used up by one; undefined when it behaves. */
	take(target: Vendor, line: string): Fault | undefined {
		for (const fault of this.#faults) {
			if (fault.target !== target || !new RegExp(fault.match).test(line)) continue;
			if (fault.skip > 0) {
				fault.skip -= 1;
				continue;
			}
			fault.times -= 1;
			if (fault.times <= 0) this.clear(fault.id);
			return fault;
		}
		return undefined;
	}
}
