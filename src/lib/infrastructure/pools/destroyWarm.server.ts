import { db, transaction } from '#lib/core/db.server.ts';
import { publish } from '#lib/core/live.server.ts';
import { destroyMarked } from '../containers/removal.server.ts';
import { askCluster } from '../nodes/clients.server.ts';
import { releaseContainer } from '../placement/placement.server.ts';
import { detachDatabases } from '../postgres/attach.server.ts';

/**
 * Destroys a container that was given up, and gives back its room. May run any number of times.
 * @throws {ProxmoxError} until nothing is left of it: the queue tries again
 */
export async function destroyWarm(containerId: string, signal: AbortSignal): Promise<void> {
	const row = await db.container.findUniqueOrThrow({
		where: { id: containerId },
		include: { node: { select: { name: true } } }
	});
	if (row.status === 'deleted' || !row.retiring || !row.warmPlanId) return;
	const { clusterId, vmid, taskUpid } = row;
	await askCluster(clusterId, { subjectId: containerId }, (proxmox) =>
		destroyMarked(proxmox, { containerId, nodeName: row.node.name, vmid, taskUpid }, signal)
	);
	await detachDatabases({ trace: { subjectId: containerId }, write: transaction }, containerId);
	await transaction(async (tx) => {
		await releaseContainer(tx, containerId);
		await publish(tx, 'staff:nodes', row.nodeId);
	});
}
