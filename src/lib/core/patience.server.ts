import { AsyncLocalStorage } from 'node:async_hooks';

const waits = new AsyncLocalStorage<{ until: number }>();

/**
 * Runs what somebody waits for: the vendors that it asks get so many milliseconds together, after which each call ends as
 * if no answer had come. Jobs, for which nobody waits, have the clients' own time.
 */
export function whileSomebodyWaits<T>(milliseconds: number, run: () => T): T {
	return waits.run({ until: performance.now() + milliseconds }, run);
}

/** Milliseconds that are left for vendors, zero when none are; null where nobody waits. */
export function patienceLeft(): number | null {
	const wait = waits.getStore();
	return wait ? Math.max(0, wait.until - performance.now()) : null;
}

/** A vendor let somebody wait in vain: what is asked of it after that would only make the wait longer. */
export function losePatience(): void {
	const wait = waits.getStore();
	if (wait) wait.until = -Infinity;
}
