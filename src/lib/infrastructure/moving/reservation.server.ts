import { lock, type Tx } from '#lib/core/db.server.ts';
import { publish } from '#lib/core/live.server.ts';
import type { Container } from '#prisma/generated/client.ts';
import { capacityAppeared } from '../nodes/waiters.server.ts';
import { judge, type Verdict } from '../placement/placement.ts';
import { PLACEMENT_LOCK } from '../placement/placement.server.ts';
import { candidates } from '../placement/world.server.ts';

type Movable = Pick<
	Container,
	'id' | 'clusterId' | 'nodeId' | 'haNodeId' | 'storage' | 'cpuCores' | 'ramMb' | 'diskGb'
>;

/**
 * The other nodes of a container's cluster, judged for it, the best first. Takes nothing. What has a second node goes there
 * alone, where its room is promised already.
 */
export async function judgeTargets(tx: Tx, container: Movable): Promise<Verdict[]> {
	const { clusterId, nodeId, haNodeId, cpuCores, ramMb, diskGb, storage } = container;
	const others = (await candidates(tx, new Map()))
		.filter((node) => node.clusterId === clusterId && node.nodeId !== nodeId)
		.filter((node) => haNodeId === null || node.nodeId === haNodeId)
		// Its VMID and address stay its own wherever it goes.
		.map((node) => ({ ...node, freeAddresses: 1, freeVmids: 1, hasTemplate: true }));
	const nothing = haNodeId !== null;
	return judge(others, {
		isolation: 'dedicated',
		clusterId,
		cpuCores: nothing ? 0 : cpuCores,
		ramMb: nothing ? 0 : ramMb,
		// On a storage besides the cluster's own the node's disk is not what it takes.
		diskGb: nothing || storage !== null ? 0 : diskGb
	});
}

/**
 * Promises a container's room on another node as well, under the lock of placements: from here on nobody else touches it.
 * @param toNodeId null: the best
 * @returns the node; or all that were judged, when it cannot go there, and nothing was promised
 */
export async function reserveMove(
	tx: Tx,
	containerId: string,
	toNodeId: string | null
): Promise<{ nodeId: string; name: string } | { noRoom: Verdict[] }> {
	await lock(tx, PLACEMENT_LOCK);
	const container = await tx.container.findUniqueOrThrow({ where: { id: containerId } });
	const verdicts = await judgeTargets(tx, container);
	const found = toNodeId
		? verdicts.find(({ candidate }) => candidate.nodeId === toNodeId)
		: verdicts[0];
	if (!found?.fits) return { noRoom: toNodeId && found ? [found] : verdicts };
	const { nodeId, name } = found.candidate;
	await tx.container.update({ where: { id: containerId }, data: { moveToNodeId: nodeId } });
	await publish(tx, ['staff:containers', `container:${containerId}`], containerId);
	return { nodeId, name };
}

/**
 * It was read back on `nodeId`: the row goes there. The room where it came from stays promised until `endMove`, so that it
 * can always go back. Its second node, if it was that, is now the first.
 */
export async function arrivedOn(tx: Tx, containerId: string, nodeId: string): Promise<void> {
	await lock(tx, PLACEMENT_LOCK);
	const row = await tx.container.findUniqueOrThrow({ where: { id: containerId } });
	if (row.nodeId === nodeId) return;
	await tx.container.update({
		where: { id: containerId },
		data: {
			nodeId,
			taskUpid: null,
			...(row.moveToNodeId !== null && { moveToNodeId: row.nodeId }),
			...(row.haNodeId === nodeId && { haNodeId: row.nodeId })
		}
	});
	await publish(tx, ['staff:containers', `container:${containerId}`], containerId);
}

/** The move is over, well or not: the room on the node where it is not is free again. Does nothing the second time. */
export async function endMove(tx: Tx, containerId: string): Promise<void> {
	await lock(tx, PLACEMENT_LOCK);
	const { count } = await tx.container.updateMany({
		where: { id: containerId, moveToNodeId: { not: null } },
		data: { moveToNodeId: null }
	});
	if (count === 0) return;
	await capacityAppeared(tx);
	await publish(tx, ['staff:containers', `container:${containerId}`], containerId);
}
