import { z } from 'zod';
import { after, HOUR, now } from '#lib/core/clock.server.ts';
import { lock, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { publish } from '#lib/core/live.server.ts';
import { beginMaintenance } from '#lib/infrastructure/nodes/maintenance.server.ts';
import { lockedNode } from '#lib/infrastructure/nodes/oneNode.server.ts';
import { audit, type Actor } from '#lib/logs/audit.server.ts';
import type { DrainStatus, NodeDrain } from '#prisma/generated/client.ts';
import { drainablesOf } from './drainContainers.server.ts';
import { mayGo } from './drainPlan.ts';
import { DRAIN_LOCK, wakeDrain } from './drainWake.server.ts';
import { cancelMove } from '../containers/moveCancel.server.ts';

export interface DrainWish {
	reason: string;
	/** Customers are told that much earlier; 0: it begins at once. */
	noticeHours: number;
}

/**
 * Empties a node: from now on it is in maintenance. A worker then plans a move for everything on it that may go and tells
 * its customers, and begins the moves, one after the other; where each goes is decided when its turn comes.
 * @throws {AppError} NOT_FOUND; NODE_IS_DRAINED while it is being emptied already; NOTHING_TO_DRAIN
 */
export async function startDrain(
	tx: Tx,
	nodeId: string,
	{ reason, noticeHours }: DrainWish,
	by: Actor
): Promise<NodeDrain> {
	const node = await lockedNode(tx, nodeId);
	const open = await tx.nodeDrain.findFirst({
		where: { nodeId, status: { in: ['running', 'paused'] } },
		select: { id: true }
	});
	if (open) throw new AppError('NODE_IS_DRAINED');
	// What fits nowhere today is planned as well: it waits for room, and the page says so.
	const wanted = (await drainablesOf(tx, { nodeId })).filter(mayGo);
	if (wanted.length === 0) throw new AppError('NOTHING_TO_DRAIN');
	if (node.status !== 'maintenance') await beginMaintenance(tx, nodeId, { reason, by });
	const drain = await tx.nodeDrain.create({
		data: {
			...{ nodeId, reason, byId: by.id, byLabel: by.label },
			notBefore: noticeHours > 0 ? after(now(), noticeHours * HOUR) : null
		}
	});
	const { id: drainId, notBefore } = drain;
	await audit(tx, {
		actor: by,
		action: 'infrastructure.drain-node',
		subject: { type: 'node', id: nodeId },
		after: { drain: drainId, containers: wanted.length, reason, not_before: notBefore }
	});
	await publish(tx, 'staff:nodes', nodeId);
	await wakeDrain(tx, drainId);
	return drain;
}

/** What is under way ends, nothing new begins. @throws {AppError} NOT_FOUND, WRONG_STATE */
export async function pauseDrain(tx: Tx, drainId: string, by: Actor): Promise<void> {
	await change(tx, drainId, { from: 'running', to: 'paused', act: 'pause-drain', by });
}

/** @throws {AppError} NOT_FOUND, WRONG_STATE */
export async function resumeDrain(tx: Tx, drainId: string, by: Actor): Promise<void> {
	const drain = await change(tx, drainId, {
		...{ from: 'paused', to: 'running', act: 'resume-drain', by }
	});
	await wakeDrain(tx, drainId, drain.notBefore);
}

/**
 * Begins a drain before the time that customers were told: staff answer for that.
 * @throws {AppError} NOT_FOUND, WRONG_STATE when it does not wait for its time
 */
export async function beginDrain(tx: Tx, drainId: string, by: Actor): Promise<void> {
	const drain = await lockedDrain(tx, drainId);
	if (drain.status !== 'running' || !drain.notBefore || drain.notBefore <= now())
		throw new AppError('WRONG_STATE', { params: { from: drain.status, to: 'running' } });
	await tx.nodeDrain.update({ where: { id: drainId }, data: { notBefore: null } });
	await audit(tx, {
		actor: by,
		action: 'infrastructure.begin-drain',
		subject: { type: 'node', id: drain.nodeId },
		before: { not_before: drain.notBefore },
		after: { drain: drainId }
	});
	await publish(tx, ['staff:moves', 'staff:nodes'], drain.nodeId);
	await wakeDrain(tx, drainId);
}

/**
 * Gives a drain up: what has not begun is not moved, and customers who were told of it hear that; what is under way ends.
 * The node stays in maintenance.
 * @throws {AppError} NOT_FOUND, WRONG_STATE
 */
export async function cancelDrain(tx: Tx, drainId: string, by: Actor): Promise<void> {
	const { status } = await lockedDrain(tx, drainId);
	await change(tx, drainId, { from: status, to: 'cancelled', act: 'cancel-drain', by });
	const planned = await tx.containerMove.findMany({
		where: { drainId, status: 'planned' },
		select: { id: true }
	});
	for (const { id } of planned) await cancelMove(tx, id, by);
}

/** @throws {AppError} NOT_FOUND */
export async function drainOfId(tx: Tx, id: string): Promise<NodeDrain> {
	const drain = z.uuid().safeParse(id).success
		? await tx.nodeDrain.findUnique({ where: { id } })
		: null;
	if (!drain) throw new AppError('NOT_FOUND');
	return drain;
}

async function lockedDrain(tx: Tx, id: string): Promise<NodeDrain> {
	// The worker chooses under the same lock: what it has begun is seen here, and what is stopped here it does not begin.
	await lock(tx, DRAIN_LOCK);
	return drainOfId(tx, id);
}

async function change(
	tx: Tx,
	drainId: string,
	{ from, to, act, by }: { from: DrainStatus; to: DrainStatus; act: string; by: Actor }
): Promise<NodeDrain> {
	const drain = await lockedDrain(tx, drainId);
	const isOpen = drain.status === 'running' || drain.status === 'paused';
	if (!isOpen || drain.status !== from)
		throw new AppError('WRONG_STATE', { params: { from: drain.status, to } });
	const changed = await tx.nodeDrain.update({
		where: { id: drainId },
		data: { status: to, finishedAt: to === 'cancelled' ? now() : null }
	});
	await audit(tx, {
		actor: by,
		action: `infrastructure.${act}`,
		subject: { type: 'node', id: drain.nodeId },
		before: { status: from },
		after: { drain: drainId, status: to }
	});
	await publish(tx, ['staff:moves', 'staff:nodes'], drain.nodeId);
	return changed;
}
