import { db, transaction } from '#lib/core/db.server.ts';
import { refusalIn } from '#lib/core/errors.ts';
import type { Actor } from '#lib/logs/audit.server.ts';
import { askForMove } from './moves.server.ts';
import type { RoomMove, RoomMoveAnswer } from './roomMoves.ts';

/**
 * Asks for moves that make room, one after the other, each by itself: what is refused stops none of the others, since each
 * one's room is promised as it is asked for. A container that is on its way already is refused, so that twice is once.
 */
export async function askForRoomMoves(
	moves: RoomMove[],
	reason: string,
	by: Actor
): Promise<RoomMoveAnswer[]> {
	const containers = await db.container.findMany({
		where: { id: { in: moves.map(({ containerId }) => containerId) } },
		select: { id: true, vmid: true, hostname: true }
	});
	const answers: RoomMoveAnswer[] = [];
	for (const { containerId, toNodeId } of moves) {
		const container = containers.find(({ id }) => id === containerId) ?? null;
		try {
			const wish = { containerId, toNodeId, reason };
			const { id, status } = await transaction((tx) => askForMove(tx, wish, by));
			const waits = status === 'planned';
			answers.push({ ...{ container, moveId: id, waits }, refusal: null });
		} catch (error) {
			const refusal = refusalIn(error);
			if (!refusal || refusal.code === 'INTERNAL') throw error;
			answers.push({ ...{ container, moveId: null, waits: false }, refusal: refusal.sentence });
		}
	}
	return answers;
}
