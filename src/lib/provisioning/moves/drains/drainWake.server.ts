import type { Tx } from '#lib/core/db.server.ts';
import { publish } from '#lib/core/live.server.ts';
import { enqueue, enqueueUnlessDue } from '#lib/core/queue.server.ts';

declare module '#lib/core/queue.server.ts' {
	interface JobMap {
		'provisioning.drain': { drainId: string };
	}
}

/** Whoever begins, queues or leaves a move of a drain holds it, so that two drains choose one after the other. */
export const DRAIN_LOCK = 'provisioning.drains';

/**
 * Lets a drain look again, as part of `tx`: one of its moves has ended, or there is something new to begin.
 * @param at when, under DRAIN_LOCK: a look that is due by then is enough. Absent: at once
 */
export async function wakeDrain(tx: Tx, drainId: string, at?: Date | null): Promise<void> {
	await publish(tx, 'staff:moves', drainId);
	const [payload, key] = [{ drainId }, drainId];
	// One that is due now may begin before this transaction is seen.
	if (!at) return enqueue(tx, 'provisioning.drain', payload, { key });
	await enqueueUnlessDue(tx, 'provisioning.drain', payload, { key, startAfter: at });
}
