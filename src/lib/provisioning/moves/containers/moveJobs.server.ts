import { z } from 'zod';
import { now } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { log } from '#lib/core/log.server.ts';
import { defineJob, ONE_PER_KEY } from '#lib/core/queue.server.ts';
import { SYSTEM } from '#lib/logs/audit.server.ts';
import { removeArchive } from '../../../backups/containerBackups.server.ts';
import { tellTurnedBack } from './moveNotices.server.ts';
import { writeMove } from './moveRows.server.ts';
import { beginMove } from './moves.server.ts';

declare module '#lib/core/queue.server.ts' {
	interface JobMap {
		'provisioning.begin-move': { moveId: string };
		'provisioning.purge-moves': Record<string, never>;
	}
}

defineJob({
	name: 'provisioning.begin-move',
	payload: z.object({ moveId: z.uuid() }),
	run: ({ moveId }) => beginPlanned(moveId),
	queue: { ...ONE_PER_KEY, retryLimit: 10 }
});

defineJob({
	name: 'provisioning.purge-moves',
	payload: z.object({}),
	run: () => purgeMoves(),
	schedule: { cron: '17 * * * *', payload: {} },
	queue: { policy: 'short', retryLimit: 0 }
});

/** The time of a planned move has come. What cannot begin then is turned back, and staff hear of it. */
export async function beginPlanned(moveId: string): Promise<void> {
	try {
		await transaction((tx) => beginMove(tx, moveId, SYSTEM));
	} catch (error) {
		if (!(error instanceof AppError)) throw error;
		// Somebody gave it up, or began it by hand.
		if (error.code === 'WRONG_STATE') return;
		await transaction(async (tx) => {
			const move = await tx.containerMove.findUniqueOrThrow({ where: { id: moveId } });
			const over = { status: 'rolled_back', error: error.message, finishedAt: now() } as const;
			await writeMove(tx, move, over, over);
			await tellTurnedBack(tx, move, error.message);
		});
	}
}

/** Removes the archives of moves that were confirmed or whose time is over; one that cannot go now is tried again. */
export async function purgeMoves(): Promise<void> {
	const over = await db.containerMove.findMany({
		where: {
			keepUntil: { lte: now() },
			archive: { not: null },
			status: { notIn: ['planned', 'running'] }
		},
		orderBy: { keepUntil: 'asc' },
		take: 50
	});
	for (const move of over) {
		const { id, archive, containerId } = move;
		const container = await db.container.findUnique({ where: { id: containerId } });
		try {
			if (container && archive)
				await removeArchive(
					{ nodeId: container.nodeId, location: archive },
					{ subjectId: containerId }
				);
			await transaction((tx) =>
				writeMove(tx, move, {
					archive: null,
					...(move.status === 'confirming' && { status: 'succeeded' })
				})
			);
		} catch (error) {
			log.warn({ err: error, move: id }, 'the archive of a move could not be removed');
		}
	}
}
