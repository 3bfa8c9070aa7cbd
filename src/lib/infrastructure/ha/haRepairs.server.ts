import { transaction } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import { audit } from '#lib/logs/audit.server.ts';
import { defineRepair } from '#lib/logs/drifts.server.ts';

/** So long Proxmox's manager may take; then somebody looks whether both say the same. */
const AFTER_REPAIR = { startAfter: 45, key: 'repair' };

/** Proxmox gets of it what our row says: the copy, the care of its manager, the rule. Nothing is stopped. */
defineRepair('infrastructure.ha-missing', async ({ subjectId }, by) => {
	await transaction(async (tx) => {
		await enqueue(tx, 'infrastructure.ensure-ha', { containerId: subjectId }, { key: subjectId });
		await audit(tx, {
			...{ actor: by, action: 'infrastructure.restore-ha' },
			subject: { type: 'container', id: subjectId }
		});
		await enqueue(tx, 'infrastructure.reconcile', { by: null }, AFTER_REPAIR);
	});
	return 'asked';
});

/**
 * The manager gave up, and is told to try again; what still runs of it stops for a moment. Where it found no node to start it
 * on, only a person can help.
 */
defineRepair('infrastructure.ha-error', async ({ subjectId, cause }, by) => {
	if (cause !== 'ha-gave-up')
		throw new AppError('BY_HAND', { detail: 'no node has its disks: bring its own node back' });
	await transaction(async (tx) => {
		const payload = { containerId: subjectId, again: true };
		await enqueue(tx, 'infrastructure.ensure-ha', payload, { key: subjectId });
		await audit(tx, {
			...{ actor: by, action: 'infrastructure.retry-ha' },
			subject: { type: 'container', id: subjectId }
		});
		await enqueue(tx, 'infrastructure.reconcile', { by: null }, AFTER_REPAIR);
	});
	return 'asked';
});
