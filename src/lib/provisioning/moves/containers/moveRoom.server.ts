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

/** What a move waits for while containers that were made ahead for others are going. */
export const ROOM_COMES = 'room_comes';
/** How many looks for room that is being made a move has, ten minutes in all; those of a drain have no end. */
const MOST_LOOKS = 120;

/** When to look for it again. The queue's clock is the real one. */
export function nextLookForRoom(): Date {
	return new Date(Date.now() + 5_000);
}

/**
 * What was made ahead for others goes to make room for a move: it stays planned and begins by itself in a moment. Of a drain
 * that is open the drain looks again.
 * @param waited how often it has waited already
 * @returns false when it has waited long enough
 */
export async function waitForRoom(tx: Tx, move: ContainerMove, waited: number): Promise<boolean> {
	if (waited >= MOST_LOOKS) return false;
	await writeMove(tx, move, { error: ROOM_COMES });
	if (move.drainId && (await isOpen(tx, move.drainId))) return true;
	const payload = { moveId: move.id, waited: waited + 1 };
	const look = { key: move.id, startAfter: nextLookForRoom() };
	await enqueue(tx, 'provisioning.begin-move', payload, look);
	return true;
}

async function isOpen(tx: Tx, drainId: string): Promise<boolean> {
	const open = await tx.nodeDrain.count({
		where: { id: drainId, status: { in: ['running', 'paused'] } }
	});
	return open > 0;
}
