import { ProxmoxError } from '#lib/integrations/proxmox/errors.ts';
import type { ActSight } from './actSteps.ts';

/** Where a container is, and what is there. */
export interface Sight extends ActSight {
	nodeId: string;
	node: string;
}

/** What an act has come to. Texts are `code` or `code: words of Proxmox`, see actWords.ts. */
export type Outcome =
	| { is: 'done'; seen: Sight }
	/** @property own it waits for its own task, for as long as that takes */
	| { is: 'waiting'; why: string; seconds: number; own?: boolean }
	| { is: 'failed'; why: string; seen: Sight | null };

/** The log of a task that its node did not survive says nothing of what it did. */
export const UNKNOWN_END = 'unexpected status';

export function failureText(code: string, words?: string): string {
	if (words === UNKNOWN_END) return 'unknown';
	return words ? `${code}: ${words}` : code;
}

/** What an error of a look means; what may pass is waited for. @throws what is no word of Proxmox */
export function outcomeOf(error: unknown): Outcome {
	if (!(error instanceof ProxmoxError)) throw error;
	const waiting = (why: string, seconds: number): Outcome => ({ is: 'waiting', why, seconds });
	if (['unreachable', 'node_unreachable', 'lost'].includes(error.kind))
		return waiting('node_offline', 5);
	if (error.kind === 'no_quorum') return waiting(`no_quorum: ${error.message}`, 5);
	if (error.locked) return waiting(`locked: ${error.message}`, 2);
	if (error.kind === 'task_running') return waiting('task_running', 2);
	if (error.retryable || error.ambiguous) return waiting(`not_yet: ${error.message}`, 2);
	const code = error.kind === 'task_failed' ? 'task_failed' : 'refused';
	return { is: 'failed', why: failureText(code, error.message), seen: null };
}
