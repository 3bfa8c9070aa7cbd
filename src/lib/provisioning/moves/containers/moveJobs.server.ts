import { z } from 'zod';
import { now } from '#lib/core/clock.server.ts';
import { db, lock, transaction, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { log } from '#lib/core/log.server.ts';
import { defineJob, ONE_PER_KEY } from '#lib/core/queue.server.ts';
import { actLockOf } from '#lib/infrastructure/containers/acts.server.ts';
import { SYSTEM } from '#lib/logs/audit.server.ts';
import { ArchiveOutOfReach, removeArchive } from '#lib/backups/containerBackups.server.ts';
import { tellCalledOff, tellTurnedBack } from './moveNotices.server.ts';
import { rowsOfLastTry, writeMove } from './moveRows.server.ts';
import { beginMove, moveOf } from './moves.server.ts';

declare module '#lib/core/queue.server.ts' {
	interface JobMap {
		'provisioning.purge-moves': Record<string, never>;
	}
}

defineJob({
	name: 'provisioning.begin-move',
	payload: z.object({ moveId: z.uuid(), waited: z.number().int().optional() }),
	run: ({ moveId, waited }) => beginPlanned(moveId, waited),
	queue: ONE_PER_KEY
});

defineJob({
	name: 'provisioning.purge-moves',
	payload: z.object({}),
	run: () => purgeMoves(),
	schedule: { cron: '17 * * * *', payload: {} },
	queue: { policy: 'short', retryLimit: 0 }
});

/** The time of a planned move has come. What cannot begin then is turned back, and staff hear of it, as do its customers. */
export async function beginPlanned(moveId: string, waited = 0): Promise<void> {
	try {
		await transaction((tx) => beginMove(tx, moveId, SYSTEM, null, waited));
	} catch (error) {
		if (!(error instanceof AppError)) throw error;
		// Somebody gave it up, or began it by hand.
		if (error.code === 'WRONG_STATE') return;
		await transaction((tx) => turnBackPlanned(tx, moveId, error.message));
	}
}

/** Whoever gave it up or began it meanwhile was first. @param why `code` */
async function turnBackPlanned(tx: Tx, moveId: string, why: string): Promise<void> {
	const known = await tx.containerMove.findUnique({ where: { id: moveId } });
	if (!known) return;
	await lock(tx, actLockOf(known.containerId));
	const move = await moveOf(tx, moveId);
	if (move.status !== 'planned') return;
	await tellCalledOff(tx, rowsOfLastTry(move, move.migrations));
	const over = { status: 'rolled_back', error: why, finishedAt: now() } as const;
	await writeMove(tx, move, over, over);
	await tellTurnedBack(tx, { ...move, finishedAt: over.finishedAt }, why);
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
		const { id, archive: location, containerId } = move;
		const nodeId = move.archiveNodeId ?? move.fromNodeId;
		const isOver = move.status === 'confirming' && ({ status: 'succeeded' } as const);
		try {
			if (location) await removeArchive({ nodeId, location }, { subjectId: containerId });
			await transaction((tx) => writeMove(tx, move, { archive: null, ...isOver }));
		} catch (error) {
			log.warn({ err: error, move: id }, 'the archive of a move could not be removed');
			// It stays where nobody of us gets any more: the row says that it is there, and nobody tries again.
			if (error instanceof ArchiveOutOfReach)
				await transaction((tx) => writeMove(tx, move, { keepUntil: null, ...isOver }));
		}
	}
}
