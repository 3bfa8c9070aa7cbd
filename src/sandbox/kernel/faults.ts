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
	| 'acme'
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
	/** For tests in the same process: further narrows which calls. `context` is the Host and the body, where there are any. */
	only?: (line: string, context: string) => boolean;
	/**
	 * For tests in the same process: called when the fault strikes; `before`: as the call comes in, `after`: once it has
	 * taken effect and nothing has been answered yet.
	 */
	onTaken?: () => void;
}

export type FaultRequest = Pick<Fault, 'target' | 'kind'> & Partial<Omit<Fault, 'id'>>;

export class Faults {
	#faults: Fault[] = [];
	readonly #patterns = new WeakMap<Fault, RegExp>();

	add(request: FaultRequest): Fault {
		const fault: Fault = {
			match: '',
			times: 1,
			skip: 0,
			when: 'before',
			...request,
			id: randomUUID()
		};
		this.#patterns.set(fault, new RegExp(fault.match));
		this.#faults.push(fault);
		return fault;
	}

	list(): readonly Fault[] {
		return this.#faults;
	}

	clear(id?: string): void {
		this.#faults = id ? this.#faults.filter((fault) => fault.id !== id) : [];
	}

	/**
	 * The fault that this call meets, used up by one; undefined when it behaves. Whoever took one that works `after` says
	 * `struck` when it does.
	 * @param context what else tells calls apart: `Host` and body of an HTTP request, the standard input of a command
	 */
	take(target: Vendor, line: string, context = ''): Fault | undefined {
		for (const fault of this.#faults) {
			if (fault.target !== target || !this.#patterns.get(fault)?.test(line)) continue;
			if (fault.only && !fault.only(line, context)) continue;
			if (fault.skip > 0) {
				fault.skip -= 1;
				continue;
			}
			fault.times -= 1;
			if (fault.times <= 0) this.clear(fault.id);
			if (fault.when === 'before') fault.onTaken?.();
			return fault;
		}
		return undefined;
	}

	/** A call has taken effect: the fault that spoils its answer, if any, strikes now. */
	struck(fault: Fault | undefined): void {
		if (fault?.when === 'after') fault.onTaken?.();
	}
}
