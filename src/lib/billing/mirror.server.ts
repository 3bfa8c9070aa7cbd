import { setTimeout as sleep } from 'node:timers/promises';
import { now } from '#lib/core/clock.server.ts';
import { db, transaction, type Tx } from '#lib/core/db.server.ts';

/** In each round one of those who write at the same time is done. */
const ROUNDS = 40;
const LONGEST_PAUSE_MS = 50;

/**
 * Reads an object from Stripe and writes our mirror of it, so that the state that stays is one that was read after
 * every earlier write: a write that finds that another one came in between reads again. Neither a lock nor a
 * transaction is held while Stripe is asked.
 * @param stripeId what the mirror is of
 * @param write runs in one transaction; what it enqueues is part of it
 * @throws {Error} when others keep being faster
 */
export async function mirrored<T, R>(
	stripeId: string,
	read: () => Promise<T>,
	write: (tx: Tx, object: T) => Promise<R>
): Promise<R> {
	for (let round = 0; round < ROUNDS; round++) {
		const before = await db.stripeMirror.findUnique({ where: { stripeId } });
		const readAt = now();
		const object = await read();
		const written = await transaction(async (tx) => {
			const free = await claim(tx, stripeId, before?.version ?? null, readAt);
			return free ? { result: await write(tx, object) } : null;
		});
		if (written) return written.result;
		await sleep(Math.random() * LONGEST_PAUSE_MS);
	}
	throw new Error(`${stripeId} is being written all the time`);
}

/** True when nobody has written since the version that was seen. */
async function claim(
	tx: Tx,
	stripeId: string,
	seen: number | null,
	readAt: Date
): Promise<boolean> {
	if (seen === null) {
		const made = await tx.stripeMirror.createMany({
			data: [{ stripeId, readAt }],
			skipDuplicates: true
		});
		return made.count === 1;
	}
	const raised = await tx.stripeMirror.updateMany({
		where: { stripeId, version: seen },
		data: { version: { increment: 1 }, readAt }
	});
	return raised.count === 1;
}
