import { db, lock, transaction, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { livePlace } from '#lib/infrastructure/containers/liveContainer.server.ts';
import { audit, type Actor } from '#lib/logs/audit.server.ts';
import { closeAlert } from '#lib/notifications/alerts.server.ts';
import type { ContainerMove } from '#prisma/generated/client.ts';
import { alertOf } from '../containers/containerMove.server.ts';
import { cancelMove } from '../containers/moveCancel.server.ts';
import { retryMove } from '../containers/moves.server.ts';
import { DRAIN_LOCK, wakeDrain } from './drainWake.server.ts';

/**
 * Leaves one container of a drain where it is, so that nobody waits for a decision about it any more. Of one that failed
 * nobody can be sure where it is: its node is asked first.
 * @throws {AppError} NOT_FOUND; WRONG_STATE when it is under way, done, or can only go on; VENDOR_UNAVAILABLE when its node
 * does not say whether it has it; NOT_ON_NODE when it has not
 */
export async function skipDrainMove(drainId: string, moveId: string, by: Actor): Promise<void> {
	const { status, containerId } = await moveOfDrain(db, drainId, moveId);
	if (status === 'failed') await expectHere(containerId);
	await transaction(async (tx) => {
		await lock(tx, DRAIN_LOCK);
		const move = await moveOfDrain(tx, drainId, moveId);
		if (move.status !== status) throw new AppError('CHANGED_MEANWHILE');
		if (status === 'planned') await cancelMove(tx, moveId, by);
		else await leave(tx, move, by);
		await wakeDrain(tx, drainId);
	});
}

/** @throws {AppError} VENDOR_UNAVAILABLE, NOT_ON_NODE */
async function expectHere(containerId: string): Promise<void> {
	const { node } = await db.container.findUniqueOrThrow({
		where: { id: containerId },
		select: { node: { select: { name: true } } }
	});
	const seen = await livePlace(containerId);
	if (!seen) throw new AppError('VENDOR_UNAVAILABLE', { params: { vendor: 'proxmox' } });
	if (seen.node !== node.name) throw new AppError('NOT_ON_NODE', { params: { node: node.name } });
}

async function leave(tx: Tx, move: ContainerMove, by: Actor): Promise<void> {
	const { id, drainId, containerId, jobId, status } = move;
	const run = jobId
		? await tx.provisioningJob.findUnique({ where: { id: jobId }, select: { status: true } })
		: null;
	// One that failed after its switch holds the container until it is tried again.
	const isOver = run === null || run.status === 'compensated';
	if (!isOver || (status !== 'rolled_back' && status !== 'failed'))
		throw new AppError('WRONG_STATE', { params: { from: status, to: 'cancelled' } });
	await tx.containerMove.update({ where: { id }, data: { status: 'cancelled' } });
	await closeAlert(tx, alertOf(move));
	await audit(tx, {
		actor: by,
		action: 'infrastructure.skip-drain-move',
		subject: { type: 'container', id: containerId },
		after: { drain: drainId, move: id, was: status }
	});
}

/**
 * Tries one that failed, was turned back or was left out again: while the drain is open, when its turn comes.
 * @throws {AppError} NOT_FOUND, WRONG_STATE, MOVE_REFUSED
 */
export async function retryDrainMove(
	tx: Tx,
	drainId: string,
	moveId: string,
	by: Actor
): Promise<ContainerMove> {
	await moveOfDrain(tx, drainId, moveId);
	return retryMove(tx, moveId, by);
}

async function moveOfDrain(tx: Tx, drainId: string, moveId: string): Promise<ContainerMove> {
	const move = await tx.containerMove.findFirst({ where: { id: moveId, drainId } });
	if (!move) throw new AppError('NOT_FOUND');
	return move;
}
