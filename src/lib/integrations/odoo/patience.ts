import { setTimeout as sleep } from 'node:timers/promises';
import { VendorError } from '../errors.ts';

/** Made shorter by tests, so that what never answers costs little. */
export const tuning = {
	/** Seconds that any command may take. */
	longestSeconds: Number.POSITIVE_INFINITY,
	/** Seconds for which a question is asked again: as long as a container takes to boot. */
	patienceSeconds: 10
};

/** Milliseconds that a command may take. */
export function allowedMs(seconds: number): number {
	return Math.min(seconds, tuning.longestSeconds) * 1000;
}

const SHORTEST_WAIT_MS = 150;
const LONGEST_WAIT_MS = 2000;

/** Asks until it is answered, fails for good, or would take longer than `patienceMs` (the usual time without one). @throws what the last attempt threw */
export async function patiently<T>(
	patienceMs: number | undefined,
	ask: () => Promise<T>
): Promise<T> {
	const begun = performance.now();
	const until = begun + (patienceMs ?? tuning.patienceSeconds * 1000);
	for (;;) {
		try {
			return await ask();
		} catch (error) {
			const again = error instanceof VendorError && error.retryable;
			// By a third of what has passed: nobody waits much longer than it took.
			const passed = performance.now() - begun;
			const wait = Math.min(Math.max(passed / 3, SHORTEST_WAIT_MS), LONGEST_WAIT_MS);
			if (!again || performance.now() + wait > until) throw error;
			await sleep(wait);
		}
	}
}
