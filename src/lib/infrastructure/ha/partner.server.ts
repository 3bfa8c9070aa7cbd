import { lock, type Tx } from '#lib/core/db.server.ts';
import { publish } from '#lib/core/live.server.ts';
import { capacityAppeared } from '../nodes/waiters.server.ts';
import { partnerFor } from '../placement/partner.ts';
import { PLACEMENT_LOCK } from '../placement/placement.server.ts';
import type { Rejection } from '../placement/placement.ts';
import { candidates } from '../placement/world.server.ts';
import { without } from '../pools/without.ts';
import { fewest, type Held } from '../pools/yielding.ts';
import { heldAhead, yieldRoom } from '../pools/yieldRoom.server.ts';

/**
 * The node that is to take over, or what keeps every one from it. `yields`: what was made ahead for others and has to go for
 * one to have room; null when that does not help.
 */
export type PartnerFound =
	{ nodeId: string; name: string } | { reasons: Rejection[]; yields: Held[] | null };

/**
 * Which node could take over from a container's own, where it stands and with the limits that it has. Takes nothing.
 * @param besides a node that is not to be it
 */
export async function findPartner(
	tx: Tx,
	containerId: string,
	besides: string | null = null
): Promise<PartnerFound> {
	const container = await tx.container.findUniqueOrThrow({
		where: { id: containerId },
		include: { node: { select: { cluster: { select: { rootfsStorage: true } } } } }
	});
	const world = await candidates(tx, new Map());
	const node = world.find(({ nodeId }) => nodeId === container.nodeId);
	if (!node) return { reasons: [{ code: 'offline' }], yields: null };
	const storage = container.storage ?? container.node.cluster.rootfsStorage;
	const others = world.map((one) =>
		one.nodeId === besides ? { ...one, status: 'maintenance' as const } : one
	);
	const found = partnerFor(node, container, others, storage);
	if (!('partner' in found)) {
		const held = await heldAhead(tx);
		const fits = (gone: Held[]) =>
			'partner' in partnerFor(node, container, without(others, gone), storage);
		return { ...found, yields: leastOf(held, others, fits) };
	}
	const { nodeId, name } = found.partner.candidate;
	return { nodeId, name };
}

/** Of the ways to make room on one of the nodes the one that costs least; empty when it is being made already. */
function leastOf(
	held: Held[],
	nodes: { nodeId: string }[],
	fits: (gone: Held[]) => boolean
): Held[] | null {
	const going = held.filter(({ retiring }) => retiring);
	if (fits(going)) return [];
	const ways = nodes
		.map(({ nodeId }) => {
			const here = held.filter((one) => one.nodeId === nodeId && !one.retiring);
			return fewest(here, (gone) => fits([...going, ...gone]));
		})
		.filter((way) => way !== null);
	return ways.toSorted((a, b) => a.length - b.length)[0] ?? null;
}

/**
 * Promises a container its room on a second node, unless it has one. Proxmox is told by `ensureHa`.
 * @param options `another`: instead of the one that it has, which gives its room back
 * @returns that node, or why there is none; then what it has stays as it is, but what was made ahead for others and is in the
 * way goes: there is room in a moment
 */
export async function reservePartner(
	tx: Tx,
	containerId: string,
	options: { another?: boolean } = {}
): Promise<PartnerFound> {
	await lock(tx, PLACEMENT_LOCK);
	const has = await tx.container.findUniqueOrThrow({
		where: { id: containerId },
		select: { haNode: { select: { id: true, name: true } } }
	});
	if (has.haNode && !options.another) return { nodeId: has.haNode.id, name: has.haNode.name };
	const found = await findPartner(tx, containerId, has.haNode?.id);
	if (!('nodeId' in found)) {
		if (found.yields) await yieldRoom(tx, { containers: found.yields });
		return found;
	}
	await tx.container.update({ where: { id: containerId }, data: { haNodeId: found.nodeId } });
	if (has.haNode) await capacityAppeared(tx);
	await publish(tx, ['staff:containers', 'staff:nodes'], containerId);
	return found;
}

/** Gives the room on the second node back: nobody stands by any more. */
export async function releasePartner(tx: Tx, containerId: string): Promise<void> {
	await lock(tx, PLACEMENT_LOCK);
	const { count } = await tx.container.updateMany({
		where: { id: containerId, haNodeId: { not: null } },
		data: { haNodeId: null }
	});
	await tx.containerGuard.deleteMany({ where: { containerId } });
	if (count === 0) return;
	await capacityAppeared(tx);
	await publish(tx, ['staff:containers', 'staff:nodes'], containerId);
}
