import { setTimeout as sleep } from 'node:timers/promises';
import { VendorError } from '../errors.ts';

/** Made shorter by tests, so that a command that never ends costs little: seconds that any command may take. */
export const tuning = { longestSeconds: Number.POSITIVE_INFINITY };

/** Milliseconds that a command may take. */
export function allowedMs(seconds: number): number {
	return Math.min(seconds, tuning.longestSeconds) * 1000;
}

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 2000;

/** Asks until it is answered, fails for good, or would take longer than `patienceMs`. @throws what the last attempt threw */
export async function patiently<T>(patienceMs: number, ask: () => Promise<T>): Promise<T> {
	const until = performance.now() + patienceMs;
	for (let wait = FIRST_WAIT_MS; ; wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
		try {
			return await ask();
		} catch (error) {
			const again = error instanceof VendorError && error.retryable;
			if (!again || performance.now() + wait > until) throw error;
			await sleep(wait);
		}
	}
}
