import { refusalIn } from './errors.ts';
import type { StepWait } from './saga.server.ts';

/** Scaled down by tests, so that a fault costs no waiting. */
export const tuning = { backoffScale: 1 };

const DEFAULT_ATTEMPTS = 8;
/** An error that nobody foresaw is tried this often: it may have been a lost connection. */
const UNFORESEEN_ATTEMPTS = 3;
const LONGEST_BACKOFF = 10;

/** Tries that a step has for an error of this kind. Vendor errors say of themselves that a try may help. */
export function attemptsOf(step: { attempts?: number }, error: unknown): number {
	const foreseen =
		error instanceof Error &&
		(('retryable' in error && error.retryable) || ('ambiguous' in error && error.ambiguous));
	const most = step.attempts ?? DEFAULT_ATTEMPTS;
	return foreseen ? most : Math.min(most, UNFORESEEN_ATTEMPTS);
}

/** Seconds before the try after the `tries`-th one. */
export function backoffSeconds(tries: number): number {
	return Math.min(LONGEST_BACKOFF, 0.5 * 2 ** (tries - 1)) * tuning.backoffScale;
}

/** A vendor takes no calls for longer than this at most before it is asked again. */
const LONGEST_BUSY = 600;

/** Seconds between two looks at a cluster that takes no changes until it has a majority again. */
const QUORUM_AGAIN = 15;

/**
 * A vendor takes no more calls for now (VENDOR_BUSY), or no changes (NO_QUORUM): the step looks again later, and that was no
 * try; null: something else.
 */
export function busyWait(error: unknown): StepWait | null {
	const refusal = refusalIn(error);
	if (refusal?.code === 'NO_QUORUM')
		return {
			...{ wait: QUORUM_AGAIN, reason: 'no_quorum' },
			message: { code: 'no_quorum', params: {} }
		};
	if (refusal?.code !== 'VENDOR_BUSY') return null;
	const asked =
		error instanceof Error && 'retryAfterMs' in error && typeof error.retryAfterMs === 'number'
			? error.retryAfterMs / 1000
			: 60;
	return {
		wait: Math.min(Math.max(1, Math.ceil(asked)), LONGEST_BUSY),
		reason: 'vendor_busy',
		message: { code: 'vendor_busy', params: refusal.params }
	};
}
