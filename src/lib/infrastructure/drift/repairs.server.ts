import { db, transaction } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { publish } from '#lib/core/live.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import { audit } from '#lib/logs/audit.server.ts';
import { defineRepair } from '#lib/logs/drifts.server.ts';
import { askForAct } from '../containers/acts.server.ts';
import { readGuest } from '../containers/adoption.server.ts';
import { goneTo } from '../ha/standby.ts';

declare module '#lib/core/queue.server.ts' {
	interface JobMap {
		/** `by`: who asked; null for the clock. */
		'infrastructure.reconcile': { by: string | null };
	}
}

/** An act takes about so many seconds; then somebody looks whether both say the same. Who asks meanwhile need not wait for it. */
const AFTER_REPAIR = { startAfter: 30, key: 'repair' };

/** The row goes where the container is: nothing is changed in Proxmox. */
defineRepair('infrastructure.moved', async ({ subjectId }, by) => {
	const row = await db.container.findUniqueOrThrow({
		where: { id: subjectId },
		include: { node: { select: { name: true } } }
	});
	const guest = await readGuest(row.clusterId, row.vmid);
	const isOurs = row.adopted ? guest.rootVolume === row.rootVolume : guest.markedAs === row.id;
	// Enrolled templates bear no mark; nobody else is taken for a template of ours.
	if (!isOurs && row.purpose !== 'template')
		throw new AppError('BY_HAND', { detail: `CT ${row.vmid} is not the container of this row` });
	const node = await db.node.findUnique({
		where: { clusterId_name: { clusterId: row.clusterId, name: guest.node } }
	});
	if (!node) throw new AppError('BY_HAND', { detail: `node ${guest.node} is not enrolled` });
	if (node.id === row.nodeId) return 'done';
	await transaction(async (tx) => {
		await tx.container.updateMany({
			where: { id: row.id, nodeId: row.nodeId },
			data: goneTo(row, node.id)
		});
		await audit(tx, {
			...{ actor: by, action: 'infrastructure.follow-container' },
			subject: { type: 'container', id: row.id },
			before: { node: row.node.name },
			after: { node: node.name, vmid: row.vmid }
		});
		await publish(tx, 'staff:containers', row.id);
	});
	return 'done';
});

/** What is meant to run is started, by an act that staff can follow. */
defineRepair('infrastructure.stopped', async ({ subjectId }, by) => {
	await transaction(async (tx) => {
		await askForAct(tx, subjectId, { act: 'start' }, by);
		await enqueue(tx, 'infrastructure.reconcile', { by: null }, AFTER_REPAIR);
	});
	return 'asked';
});

/**
 * Proxmox gets the limits that the row says, by an act. A disk never shrinks: where it has more, that is what the row
 * says from now on.
 */
defineRepair('infrastructure.limits', async ({ subjectId }, by) => {
	const row = await db.container.findUniqueOrThrow({ where: { id: subjectId } });
	const { diskGb } = await readGuest(row.clusterId, row.vmid);
	const wish = {
		...{ act: 'resize' as const, cpu_cores: row.cpuCores, ram_mb: row.ramMb },
		disk_gb: Math.max(row.diskGb, diskGb)
	};
	await transaction(async (tx) => {
		await askForAct(tx, subjectId, wish, by);
		await enqueue(tx, 'infrastructure.reconcile', { by: null }, AFTER_REPAIR);
	});
	return 'asked';
});
