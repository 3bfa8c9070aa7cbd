import { now } from '#lib/core/clock.server.ts';
import { lock, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { wakeSaga } from '#lib/core/saga.server.ts';
import { actLockOf } from '#lib/infrastructure/containers/acts.server.ts';
import { audit, type Actor } from '#lib/logs/audit.server.ts';
import type { ContainerMove } from '#prisma/generated/client.ts';
import { SWITCH } from './containerMove.server.ts';
import { tellCalledOff } from './moveNotices.server.ts';
import { rowsOfLastTry, writeMove } from './moveRows.server.ts';
import { moveOf } from './moves.server.ts';

/**
 * Gives a move up: a planned one at once, and who was told of its time hears that it does not happen; a running one that has
 * not switched is turned back by its run.
 * @throws {AppError} NOT_FOUND; WRONG_STATE after the switch
 */
export async function cancelMove(tx: Tx, moveId: string, by: Actor): Promise<ContainerMove> {
	const known = await moveOf(tx, moveId);
	await lock(tx, actLockOf(known.containerId));
	const move = await moveOf(tx, moveId);
	if (move.status === 'planned') {
		await tellCalledOff(tx, rowsOfLastTry(move, move.migrations));
		const over = { status: 'cancelled', finishedAt: now() } as const;
		await writeMove(tx, move, over, over);
	} else {
		if (!move.jobId || !(await mayCancel(tx, move)))
			throw new AppError('WRONG_STATE', { params: { from: move.status, to: 'cancelled' } });
		// Its run sees it before its next step, and turns back.
		await writeMove(tx, move, { error: 'cancelled' });
		await wakeSaga(tx, move.jobId);
	}
	await audit(tx, {
		actor: by,
		action: 'infrastructure.cancel-move',
		subject: { type: 'container', id: move.containerId },
		after: { move: moveId, was: move.status }
	});
	return moveOf(tx, moveId);
}

/** Whether a move can still be given up: it has not begun, or it is under way and has not switched. */
export async function mayCancel(
	tx: Tx,
	{ status, jobId }: Pick<ContainerMove, 'status' | 'jobId'>
): Promise<boolean> {
	if (status === 'planned') return true;
	return status === 'running' && jobId !== null && !(await hasSwitched(tx, jobId));
}

async function hasSwitched(tx: Tx, jobId: string): Promise<boolean> {
	const run = await tx.provisioningJob.findUniqueOrThrow({
		where: { id: jobId },
		select: { status: true, steps: { where: { name: SWITCH }, select: { startedAt: true } } }
	});
	const goesOn = ['queued', 'running', 'waiting'].includes(run.status);
	return !goesOn || run.steps.some(({ startedAt }) => startedAt !== null);
}
