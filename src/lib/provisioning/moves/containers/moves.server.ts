import { now } from '#lib/core/clock.server.ts';
import { lock, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import { retrySaga, startSaga } from '#lib/core/saga.server.ts';
import { getLocale } from '#i18n/paraglide/runtime.js';
import { actLockOf } from '#lib/infrastructure/containers/acts.server.ts';
import { reserveMove } from '#lib/infrastructure/moving/reservation.server.ts';
import { rejectionSentence } from '#lib/infrastructure/placement/rejections.ts';
import type { Verdict } from '#lib/infrastructure/placement/placement.ts';
import { audit, type Actor } from '#lib/logs/audit.server.ts';
import type {
	Container,
	ContainerMove,
	NodeDrain,
	TenantMigration
} from '#prisma/generated/client.ts';
import { DRAIN_LOCK, wakeDrain } from '../drains/drainWake.server.ts';
import { containerMoveSaga } from './containerMove.server.ts';
import { expectedTime } from './expectedTime.server.ts';
import { tellPlanned } from './moveNotices.server.ts';
import { moveRefusalNow, moveRefusalOf } from './moveRefusals.server.ts';
import { waitForRoom } from './moveRoom.server.ts';
import { announceMove, inhabitants, matchMigrations, writeMove } from './moveRows.server.ts';
import { moveRefusalSentence, type MoveRefusal } from '../moveWords.ts';

export interface MoveWish {
	containerId: string;
	/** Null: the best of its cluster by placement, chosen when it begins. */
	toNodeId: string | null;
	drainId?: string | null;
	/** Its turn in the drain. */
	position?: number;
	/** For people, as typed. */
	reason?: string | null;
	/** Nothing begins before; customers are told of it. */
	notBefore?: Date | null;
}

/**
 * Writes down that a container is to move, without beginning: a `planned` row and one for each of its instances. Nothing is
 * reserved and nothing is held until `beginMove`.
 * @throws {AppError} NOT_FOUND; MOVE_REFUSED for what no waiting changes (template, adopted, planned already …)
 */
export async function planMove(tx: Tx, wish: MoveWish, by: Actor): Promise<ContainerMove> {
	const container = await lockedContainer(tx, wish.containerId);
	const own = moveRefusalOf(container);
	if (own) throw refused(own, container);
	const open = await tx.containerMove.count({
		where: { containerId: container.id, status: { in: ['planned', 'running'] } }
	});
	if (open > 0) throw refused('busy', container);
	if (wish.toNodeId) await checkTarget(tx, container, wish.toNodeId);
	const { notBefore = null, reason = null } = wish;
	const expectedMs = (await expectedTime(tx))(container);
	const asked = { reason, expectedMs, byId: by.id, byLabel: by.label };
	const move = await tx.containerMove.create({
		data: {
			...asked,
			...{ containerId: container.id, fromNodeId: container.nodeId, toNodeId: wish.toNodeId },
			...{ drainId: wish.drainId ?? null, position: wish.position ?? 0 }
		}
	});
	await matchMigrations(tx, move, { ...asked, notBefore, jobId: null });
	if (notBefore && notBefore > now()) await tellPlanned(tx, move.id, notBefore);
	await announceMove(tx, move.id);
	return move;
}

/**
 * Begins a planned move: reserves the room on the target under the placement lock and starts the run, in one transaction.
 * Where containers made ahead for others are in the way they go first, and it stays planned until they are gone.
 * @param toNodeId another target than the planned one; null or absent: the planned one, else the best by placement
 * @param waited how often it has waited for such room
 * @throws {AppError} NOT_FOUND; WRONG_STATE when it is not planned; MOVE_REFUSED with the reason, and then it stays planned
 */
export async function beginMove(
	tx: Tx,
	moveId: string,
	by: Actor,
	toNodeId?: string | null,
	waited = 0
): Promise<ContainerMove> {
	const known = await moveOf(tx, moveId);
	const container = await lockedContainer(tx, known.containerId);
	const move = await moveOf(tx, moveId);
	if (move.status !== 'planned')
		throw new AppError('WRONG_STATE', { params: { from: move.status, to: 'running' } });
	const refusal = await moveRefusalNow(tx, container, { moveId });
	if (refusal) throw refused(refusal, container);
	const wanted = toNodeId ?? move.toNodeId;
	if (wanted) await checkTarget(tx, container, wanted);
	const target = await reserveMove(tx, container.id, wanted);
	if ('noRoom' in target) {
		if (target.comes && (await waitForRoom(tx, move, waited))) return moveOf(tx, moveId);
		throw refused('no_room', container, whyNoRoom(target.noRoom));
	}
	const inside = await inhabitants(tx, container.id);
	const customers = new Set(inside.map(({ customerId }) => customerId));
	const jobId = await startSaga(tx, containerMoveSaga, {
		subjectId: container.id,
		// Of several nobody sees the run of the others.
		customerId: customers.size === 1 ? inside[0]!.customerId : null,
		state: { moveId }
	});
	const begun = await tx.containerMove.update({
		where: { id: moveId },
		data: {
			...{ status: 'running', jobId, fromNodeId: container.nodeId, toNodeId: target.nodeId },
			...{ startedAt: now(), finishedAt: null, offAirAt: null, onAirAt: null, error: null }
		}
	});
	const { reason, expectedMs, byId, byLabel } = begun;
	await matchMigrations(tx, begun, { jobId, reason, expectedMs, byId, byLabel });
	await writeMove(tx, begun, {}, { status: 'running', startedAt: begun.startedAt });
	await audit(tx, {
		actor: by,
		action: 'infrastructure.move-container',
		subject: { type: 'container', id: container.id },
		before: { node: container.nodeId },
		after: { node: target.name, move: moveId, vmid: container.vmid, hostname: container.hostname }
	});
	await announceMove(tx, moveId);
	return begun;
}

/**
 * Moves a container to another node: plans and begins at once, or plans for `notBefore`.
 * @throws {AppError} NOT_FOUND; MOVE_REFUSED with `params.reason` (a sentence) and its code as `detail`
 */
export async function askForMove(tx: Tx, wish: MoveWish, by: Actor): Promise<ContainerMove> {
	const move = await planMove(tx, wish, by);
	const { notBefore } = wish;
	if (!notBefore || notBefore <= now()) return beginMove(tx, move.id, by);
	await enqueue(
		tx,
		'provisioning.begin-move',
		{ moveId: move.id },
		{ key: move.id, startAfter: notBefore }
	);
	return move;
}

/**
 * Begins one whose time has not come: customers were told of another, so that staff answer for it.
 * @throws {AppError} as `beginMove`; WRONG_STATE also for one that waits for its turn in a drain
 */
export async function beginEarly(tx: Tx, moveId: string, by: Actor): Promise<ContainerMove> {
	const { drainId, status } = await moveOf(tx, moveId);
	if (drainId) await lock(tx, DRAIN_LOCK);
	const drain = drainId
		? await tx.nodeDrain.findUnique({ where: { id: drainId }, select: { notBefore: true } })
		: null;
	if (drain && !(drain.notBefore && drain.notBefore > now()))
		throw new AppError('WRONG_STATE', { params: { from: status, to: 'running' } });
	return beginMove(tx, moveId, by);
}

/**
 * Tries a failed, rolled back or cancelled move again: after the switch it goes on, before it it begins anew; in a drain that
 * is open it waits for its turn, since the pause, the time and how many go at once are the drain's.
 * @throws {AppError} NOT_FOUND; WRONG_STATE; MOVE_REFUSED
 */
export async function retryMove(tx: Tx, moveId: string, by: Actor): Promise<ContainerMove> {
	const known = await moveOf(tx, moveId);
	if (known.drainId) await lock(tx, DRAIN_LOCK);
	const container = await lockedContainer(tx, known.containerId);
	const move = await moveOf(tx, moveId);
	if (!['failed', 'rolled_back', 'cancelled'].includes(move.status))
		throw new AppError('WRONG_STATE', { params: { from: move.status, to: 'running' } });
	const job = move.jobId
		? await tx.provisioningJob.findUnique({ where: { id: move.jobId }, select: { status: true } })
		: null;
	if (move.jobId && job?.status === 'failed') {
		await retrySaga(tx, move.jobId);
		await noteRetry(tx, move, by);
		const again = { status: 'running', error: null, finishedAt: null } as const;
		await writeMove(tx, move, again, again);
		return moveOf(tx, moveId);
	}
	const open = await tx.containerMove.count({
		where: { containerId: container.id, status: { in: ['planned', 'running'] } }
	});
	if (open > 0) throw refused('busy', container);
	const again = await tx.containerMove.update({
		where: { id: moveId },
		data: {
			...{ status: 'planned', jobId: null, error: null },
			...{ startedAt: null, finishedAt: null, offAirAt: null, onAirAt: null },
			// Of a drain it goes wherever there is room today.
			...(move.drainId && { toNodeId: null })
		},
		include: { drain: true }
	});
	const { drain } = again;
	const isOpen = drain?.status === 'running' || drain?.status === 'paused';
	if (!drain || !isOpen) return beginMove(tx, moveId, by);
	await noteRetry(tx, move, by);
	return waitForTurn(tx, again, drain);
}

function noteRetry(tx: Tx, { id, containerId, status }: ContainerMove, by: Actor): Promise<void> {
	return audit(tx, {
		actor: by,
		action: 'infrastructure.retry-move',
		subject: { type: 'container', id: containerId },
		after: { move: id, was: status }
	});
}

async function waitForTurn(
	tx: Tx,
	move: ContainerMove,
	{ id, notBefore }: NodeDrain
): Promise<ContainerMove> {
	const { reason, expectedMs, byId, byLabel } = move;
	await matchMigrations(tx, move, { jobId: null, notBefore, reason, expectedMs, byId, byLabel });
	if (notBefore && notBefore > now()) await tellPlanned(tx, move.id, notBefore);
	await announceMove(tx, move.id);
	await wakeDrain(tx, id, notBefore);
	return move;
}

/**
 * The container as it was just before need not be kept any longer.
 * @throws {AppError} NOT_FOUND; WRONG_STATE when nothing is kept
 */
export async function confirmMove(tx: Tx, moveId: string, by: Actor): Promise<ContainerMove> {
	const { count } = await tx.containerMove.updateMany({
		where: { id: moveId, status: 'confirming' },
		data: { keepUntil: now(), confirmedAt: now(), confirmedBy: by.label }
	});
	const move = await moveOf(tx, moveId);
	if (count === 0)
		throw new AppError('WRONG_STATE', { params: { from: move.status, to: 'succeeded' } });
	await tx.tenantMigration.updateMany({
		where: { containerMoveId: moveId, jobId: move.jobId },
		data: { keepUntil: now(), confirmedAt: now(), confirmedBy: by.label }
	});
	await enqueue(tx, 'provisioning.purge-moves', {});
	await audit(tx, {
		actor: by,
		action: 'infrastructure.confirm-move',
		subject: { type: 'container', id: move.containerId },
		after: { move: moveId, archive: move.archive }
	});
	await announceMove(tx, moveId);
	return move;
}

/** A move with what it does to each instance. @throws {AppError} NOT_FOUND */
export async function moveOf(
	tx: Tx,
	moveId: string
): Promise<ContainerMove & { migrations: TenantMigration[] }> {
	const move = await tx.containerMove.findUnique({
		where: { id: moveId },
		include: { migrations: { orderBy: { id: 'asc' } } }
	});
	if (!move) throw new AppError('NOT_FOUND');
	return move;
}

/** Under the lock of its acts: of an act and a move that are asked for at once one is refused. */
async function lockedContainer(tx: Tx, containerId: string): Promise<Container> {
	await lock(tx, actLockOf(containerId));
	const container = await tx.container.findFirst({
		where: { id: containerId, status: { not: 'deleted' } }
	});
	if (!container) throw new AppError('NOT_FOUND');
	return container;
}

async function checkTarget(tx: Tx, container: Container, toNodeId: string): Promise<void> {
	if (toNodeId === container.nodeId) throw refused('same_node', container);
	const node = await tx.node.findFirst({ where: { id: toNodeId, removedAt: null } });
	if (!node) throw new AppError('NOT_FOUND');
	if (node.clusterId !== container.clusterId) throw refused('other_cluster', container);
	if (container.haNodeId && container.haNodeId !== toNodeId) throw refused('ha', container);
}

function refused(reason: MoveRefusal, { vmid }: Container, why?: string): AppError {
	return new AppError('MOVE_REFUSED', {
		params: { reason: moveRefusalSentence(reason, why), vmid },
		detail: reason
	});
}

function whyNoRoom(verdicts: Verdict[]): string {
	const locale = getLocale();
	return verdicts
		.map(({ candidate, reasons }) => {
			const why = reasons.map((reason) => rejectionSentence(reason, locale)).join(' ');
			return `${candidate.name}: ${why}`;
		})
		.join(' · ');
}
