import { z } from 'zod';
import { now } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { publish } from '#lib/core/live.server.ts';
import { defineJob, ONE_PER_KEY } from '#lib/core/queue.server.ts';
import { VendorError } from '#lib/integrations/errors.ts';
import { destroyMarked } from '../containers/removal.server.ts';
import { askCluster } from '../nodes/clients.server.ts';
import { releaseContainer } from '../placement/placement.server.ts';
// Importing it is what makes the saga known.
import './buildTemplate.server.ts';

/** Destroys a retired template of ours. Proxmox refuses while linked clones hang on it; its words are then on the page. */
async function deleteTemplate(templateId: string, signal: AbortSignal): Promise<void> {
	const template = await db.template.findUniqueOrThrow({
		where: { id: templateId },
		include: { container: { include: { node: { select: { name: true } } } } }
	});
	if (template.status !== 'retired' || !template.jobId) return;
	const { container } = template;
	try {
		await askCluster(container.clusterId, { subjectId: templateId }, (proxmox) =>
			destroyMarked(
				proxmox,
				{
					containerId: container.id,
					nodeName: container.node.name,
					vmid: container.vmid,
					taskUpid: container.taskUpid
				},
				signal
			)
		);
	} catch (error) {
		if (!(error instanceof VendorError) || error.retryable || error.ambiguous) throw error;
		await transaction(async (tx) => {
			await tx.template.update({ where: { id: templateId }, data: { error: error.message } });
			await publish(tx, `template:${templateId}`);
		});
		return;
	}
	await transaction(async (tx) => {
		await releaseContainer(tx, container.id);
		await tx.template.update({
			where: { id: templateId },
			data: { status: 'deleted', deletedAt: now(), error: null }
		});
		await publish(tx, `template:${templateId}`);
		await publish(tx, 'staff:templates', templateId);
	});
}

defineJob({
	name: 'infrastructure.delete-template',
	payload: z.object({ templateId: z.uuid() }),
	run: ({ templateId }, { signal }) => deleteTemplate(templateId, signal),
	queue: ONE_PER_KEY
});
