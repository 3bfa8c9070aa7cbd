import type { Kernel } from '../kernel/kernel.ts';
import type { Resolution } from './resolve.ts';
import { dnsDocument } from './zones.ts';

const USUAL_TTL = 60;

/** What a resolver remembers of names and records that were not there (RFC 2308), where the console switched it on. */
export class NegativeCache {
	readonly #kernel: Kernel;
	readonly #held = new Map<string, { until: number; resolution: Resolution }>();

	constructor(kernel: Kernel) {
		this.#kernel = kernel;
		kernel.onReset(() => this.#held.clear());
	}

	/** The remembered answer while it holds, else a new one. */
	through(name: string, type: string, unchecked: boolean, ask: () => Resolution): Resolution {
		if (!dnsDocument(this.#kernel).get().negativeCache) {
			this.#held.clear();
			return ask();
		}
		const now = this.#kernel.clock.nowMs();
		// "No such name" goes for every type, "no such record" for this one.
		const keys = [name, `${name} ${type}`].map((key) => `${key} ${unchecked}`);
		for (const key of keys) {
			const held = this.#held.get(key);
			if (held && held.until > now) return held.resolution;
		}
		const resolution = ask();
		const [anyType = '', thisType = ''] = keys;
		if (resolution.soa !== null) {
			const until = now + (resolution.negativeTtl ?? USUAL_TTL) * 1000;
			// At the end of a chain it is another name that is not there.
			const noSuchName = resolution.code === 'NXDOMAIN' && resolution.answers.length === 0;
			const key = noSuchName ? anyType : thisType;
			this.#held.set(key, { until, resolution });
		}
		return resolution;
	}
}
