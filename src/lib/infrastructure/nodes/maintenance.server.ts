import { now } from '#lib/core/clock.server.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { publish } from '#lib/core/live.server.ts';
import { audit, type Actor } from '#lib/logs/audit.server.ts';
import { closeAlert } from '#lib/notifications/alerts.server.ts';
import { poolsChanged } from '../pools/poolNotice.server.ts';
import { nodeTransition } from '../states.ts';
import { lockedNode, requestLook } from './oneNode.server.ts';
import { nodeReturned } from './waiters.server.ts';

/**
 * Takes a node out of service: from now on nothing new is placed there, and staff are not told of what is wrong with it.
 * What lives there goes on; moving it is another step.
 * @throws {AppError} NOT_FOUND; WRONG_STATE when it is in maintenance already
 */
export async function beginMaintenance(
	tx: Tx,
	id: string,
	{ reason, by }: { reason: string; by: Actor }
): Promise<void> {
	const before = await lockedNode(tx, id);
	if (before.status === 'maintenance')
		throw new AppError('WRONG_STATE', { params: { from: before.status, to: 'maintenance' } });
	const status = nodeTransition(before.status, 'maintenance');
	await tx.node.update({
		where: { id },
		data: { status, maintenanceSince: now(), maintenanceReason: reason }
	});
	for (const rule of ['infrastructure.node-offline', 'infrastructure.node-unwell'])
		await closeAlert(tx, { rule, subjectType: 'node', subjectId: id });
	await audit(tx, {
		actor: by,
		action: 'infrastructure.begin-maintenance',
		subject: { type: 'node', id },
		before: { status: before.status },
		after: { status, reason }
	});
	// What was made ahead there is given up: nobody has to move it.
	await poolsChanged(tx);
	await publish(tx, ['staff:nodes', 'staff:containers'], id);
}

/**
 * Puts it back into service and wakes who waits for room. Whether it answers is what a look finds out, which is asked for
 * now; one that has not answered the last look gets nothing before it does.
 * @throws {AppError} NOT_FOUND; WRONG_STATE when it is not in maintenance
 */
export async function endMaintenance(tx: Tx, id: string, by: Actor): Promise<void> {
	const before = await lockedNode(tx, id);
	if (before.status !== 'maintenance')
		throw new AppError('WRONG_STATE', { params: { from: before.status, to: 'online' } });
	const status = nodeTransition(before.status, 'online');
	await tx.node.update({
		where: { id },
		data: { status, maintenanceSince: null, maintenanceReason: null }
	});
	await audit(tx, {
		actor: by,
		action: 'infrastructure.end-maintenance',
		subject: { type: 'node', id },
		before: { status: before.status, reason: before.maintenanceReason },
		after: { status }
	});
	await publish(tx, ['staff:nodes', 'staff:containers'], id);
	await nodeReturned(tx);
	await poolsChanged(tx);
	await requestLook(tx, id);
}
