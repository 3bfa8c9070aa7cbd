import { lock, type Tx } from '#lib/core/db.server.ts';
import { publish } from '#lib/core/live.server.ts';
import type { Container } from '#prisma/generated/client.ts';
import { capacityAppeared } from '../nodes/waiters.server.ts';
import { nodesElsewhere, wantedElsewhere } from '../placement/elsewhere.ts';
import { judge, type Verdict } from '../placement/placement.ts';
import { PLACEMENT_LOCK } from '../placement/placement.server.ts';
import { candidates } from '../placement/world.server.ts';
import { yielding, type Yielding } from '../pools/yielding.ts';
import { heldAhead, yieldRoom } from '../pools/yieldRoom.server.ts';

type Movable = Pick<
	Container,
	'id' | 'clusterId' | 'nodeId' | 'haNodeId' | 'storage' | 'cpuCores' | 'ramMb' | 'diskGb'
>;

/** A node that a container might go to. */
export interface Target {
	verdict: Verdict;
	/** It has no room now, and has it once these are gone that were made ahead; null: nothing of the kind helps. */
	yields: Yielding['containers'] | null;
}

/**
 * The other nodes of a container's cluster, judged for it, the best first. Takes nothing. What has a second node goes there
 * alone, where its room is promised already.
 */
export async function judgeTargets(tx: Tx, container: Movable): Promise<Target[]> {
	const mover = { ...container, ownStorage: container.storage !== null };
	const others = nodesElsewhere(await candidates(tx, new Map()), mover);
	const wanted = wantedElsewhere(mover);
	const held = await heldAhead(tx);
	return judge(others, wanted).map((verdict) => ({
		verdict,
		yields: verdict.fits ? null : (yielding(held, [verdict.candidate], wanted)?.containers ?? null)
	}));
}

/**
 * Promises a container's room on another node as well, under the lock of placements: from here on nobody else touches it.
 * @param toNodeId null: the best
 * @returns the node; or all that were judged, when it cannot go there, and nothing was promised. Where what was made ahead for
 * others is in the way, it goes, and there is room in a moment (`comes`)
 */
export async function reserveMove(
	tx: Tx,
	containerId: string,
	toNodeId: string | null
): Promise<{ nodeId: string; name: string } | { noRoom: Verdict[]; comes: boolean }> {
	await lock(tx, PLACEMENT_LOCK);
	const container = await tx.container.findUniqueOrThrow({ where: { id: containerId } });
	const targets = (await judgeTargets(tx, container)).filter(
		({ verdict }) => toNodeId === null || verdict.candidate.nodeId === toNodeId
	);
	const found = targets.find(({ verdict }) => verdict.fits);
	if (!found) {
		const cheapest = targets
			.map(({ yields }) => yields)
			.filter((yields) => yields !== null)
			.toSorted((a, b) => a.length - b.length)[0];
		if (cheapest) await yieldRoom(tx, { containers: cheapest });
		return { noRoom: targets.map(({ verdict }) => verdict), comes: cheapest !== undefined };
	}
	const { nodeId, name } = found.verdict.candidate;
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
