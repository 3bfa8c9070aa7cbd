import { AsyncLocalStorage } from 'node:async_hooks';

const deadlines = new AsyncLocalStorage<number>();

/**
 * Runs what somebody waits for: the vendors that it asks get so many milliseconds together, after which each call ends as
 * if no answer had come. Jobs, for which nobody waits, have the clients' own time.
 */
export function whileSomebodyWaits<T>(milliseconds: number, run: () => T): T {
	return deadlines.run(performance.now() + milliseconds, run);
}

/** Milliseconds that are left for vendors, zero when none are; null where nobody waits. */
export function patienceLeft(): number | null {
	const deadline = deadlines.getStore();
	return deadline === undefined ? null : Math.max(0, deadline - performance.now());
}
