import type { Tx } from '#lib/core/db.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import type { ContainerMove } from '#prisma/generated/client.ts';
import { writeMove } from './moveRows.server.ts';

declare module '#lib/core/queue.server.ts' {
	interface JobMap {
		'provisioning.begin-move': {
			moveId: string;
			/** How often it has waited for room that is being made. */
			waited?: number | undefined;
		};
	}
}

/** Milliseconds between two looks for room that is being made, and how many there are: ten minutes in all. */
const LOOK_AGAIN = 5_000;
const MOST_LOOKS = 120;

/**
 * What was made ahead for others goes to make room for a move: it stays planned and begins by itself in a moment. Of a drain
 * that is open the drain looks again.
 * @param waited how often it has waited already
 * @returns false when it has waited long enough
 */
export async function waitForRoom(tx: Tx, move: ContainerMove, waited: number): Promise<boolean> {
	if (waited >= MOST_LOOKS) return false;
	await writeMove(tx, move, { error: 'room_comes' });
	if (move.drainId && (await isOpen(tx, move.drainId))) return true;
	// The queue's clock is the real one.
	const startAfter = new Date(Date.now() + LOOK_AGAIN);
	const payload = { moveId: move.id, waited: waited + 1 };
	await enqueue(tx, 'provisioning.begin-move', payload, { key: move.id, startAfter });
	return true;
}

async function isOpen(tx: Tx, drainId: string): Promise<boolean> {
	const open = await tx.nodeDrain.count({
		where: { id: drainId, status: { in: ['running', 'paused'] } }
	});
	return open > 0;
}
