import type { Tx } from '#lib/core/db.server.ts';
import { publish } from '#lib/core/live.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';

declare module '#lib/core/queue.server.ts' {
	interface JobMap {
		'provisioning.drain': { drainId: string };
	}
}

/** Whoever begins, queues or leaves a move of a drain holds it, so that two drains choose one after the other. */
export const DRAIN_LOCK = 'provisioning.drains';

/** Lets a drain look again, as part of `tx`: one of its moves has ended, or there is something new to begin. */
export async function wakeDrain(tx: Tx, drainId: string, at?: Date | null): Promise<void> {
	await publish(tx, 'staff:moves', drainId);
	await enqueue(
		tx,
		'provisioning.drain',
		{ drainId },
		{ key: drainId, ...(at ? { startAfter: at } : {}) }
	);
}
