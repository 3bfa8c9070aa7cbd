import { now } from '#lib/core/clock.server.ts';
import { lock, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { publish } from '#lib/core/live.server.ts';
import { audit, type Actor } from '#lib/logs/audit.server.ts';
import { closeAlert } from '#lib/notifications/alerts.server.ts';
import { PLACEMENT_LOCK } from '../placement/placement.server.ts';
import { detachForgotten } from '../postgres/leftRoles.server.ts';
import { WARM, whyNodeStays } from './dwellers.server.ts';
import { lockedNode } from './oneNode.server.ts';

/**
 * Takes a node out for good: it is asked nothing any more and its token is forgotten. Nothing is changed in Proxmox. Its row
 * stays, so that what happened there can be read; enrolling it again takes it back.
 * @throws {AppError} NOT_FOUND; STILL_ALIVE with what lives there
 */
export async function removeNode(tx: Tx, id: string, by: Actor): Promise<void> {
	// Nobody is placed there while we look.
	await lock(tx, PLACEMENT_LOCK);
	const node = await lockedNode(tx, id);
	const what = await whyNodeStays(tx, node);
	if (what) throw new AppError('STILL_ALIVE', { params: { what } });
	// Of the last node of a cluster: they are forgotten, not destroyed.
	await tx.container.updateMany({
		where: { nodeId: id, purpose: 'template', status: { not: 'deleted' } },
		data: { status: 'deleted', deletedAt: now() }
	});
	await forgetWarm(tx, id);
	await tx.nodeCredential.deleteMany({ where: { nodeId: id } });
	await tx.nodeStorage.deleteMany({ where: { nodeId: id } });
	await tx.node.update({ where: { id }, data: { removedAt: now(), revision: { increment: 1 } } });
	for (const rule of ['infrastructure.node-offline', 'infrastructure.node-unwell'])
		await closeAlert(tx, { rule, subjectType: 'node', subjectId: id });
	await audit(tx, {
		actor: by,
		action: 'infrastructure.remove-node',
		subject: { type: 'node', id },
		before: { name: node.name, api_url: node.apiUrl }
	});
	await publish(tx, ['staff:nodes', 'staff:containers'], id);
}

/**
 * On a node that is dead: should it ever come back, the sweeper knows them by their marks. What they have on a server of
 * databases goes at once.
 */
async function forgetWarm(tx: Tx, nodeId: string): Promise<void> {
	const where = { ...WARM, nodeId };
	await tx.ipAddress.deleteMany({ where: { container: where } });
	await tx.container.updateMany({ where, data: { status: 'deleted', deletedAt: now() } });
	await detachForgotten(tx);
	await tx.warmPool.deleteMany({ where: { nodeId } });
}
