import { now } from '#lib/core/clock.server.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { heldAhead } from '#lib/infrastructure/pools/yieldRoom.server.ts';
import { SYSTEM, type Actor } from '#lib/logs/audit.server.ts';
import type { ContainerMove, NodeDrain } from '#prisma/generated/client.ts';
import { drainablesOf, nodesNow } from './drainContainers.server.ts';
import { mayGo, planDrain, stayReason, type Drainable } from './drainPlan.ts';
import { cancelMove } from '../containers/moveCancel.server.ts';
import { planMove } from '../containers/moves.server.ts';

/** Moves that are planned in one transaction: each is some dozen statements, and more where customers are told of it. */
const BATCH = 10;

/** Why the drain itself gave a move up: its container was no longer there, or could not go. What comes back goes after all. */
const GIVEN_UP = 'given_up';

/** The list follows the node: what is no longer there, or may not go any more, is given up. */
export async function giveUpGone(tx: Tx, drainId: string, here: Drainable[]): Promise<void> {
	const byId = new Map(here.map((one) => [one.containerId, one]));
	const planned = await tx.containerMove.findMany({ where: { drainId, status: 'planned' } });
	for (const { id, containerId } of planned) {
		const container = byId.get(containerId);
		if (container && stayReason(container) === null) continue;
		await cancelMove(tx, id, SYSTEM);
		await tx.containerMove.update({ where: { id }, data: { error: GIVEN_UP } });
	}
}

/**
 * Plans moves for some of those that have none, in the order in which they go, and tells their customers of the time. What
 * came since the drain began (a set-up that has ended, a container that is back) goes last.
 * @param passed those that could not be planned: the one that is being planned is among them, so that after an error it is
 * known which one it was
 * @returns whether it planned any: there may be more
 */
export async function planSome(
	tx: Tx,
	drain: NodeDrain,
	here: Drainable[],
	{ by, passed }: { by: Actor; passed: Set<string> }
): Promise<boolean> {
	const rows = await tx.containerMove.findMany({ where: { drainId: drain.id } });
	const unplanned = new Set(
		withoutMove(here, rows)
			.filter(({ containerId, held }) => !held && !passed.has(containerId))
			.map(({ containerId }) => containerId)
	);
	if (unplanned.size === 0) return false;
	const plan = planDrain(here, await nodesNow(tx), await heldAhead(tx));
	const turns = [...plan.moves, ...plan.stuck].map(({ container }) => container.containerId);
	const next = turns.filter((id) => unplanned.has(id)).slice(0, BATCH);
	const first = Math.max(-1, ...rows.map(({ position }) => position)) + 1;
	const notBefore = drain.notBefore && drain.notBefore > now() ? drain.notBefore : null;
	for (const [i, containerId] of next.entries()) {
		passed.add(containerId);
		await planMove(
			tx,
			{ containerId, toNodeId: null, drainId: drain.id, position: first + i, notBefore },
			by
		);
		passed.delete(containerId);
	}
	return true;
}

/** How many containers of an open drain's node are to go and have no move in it yet: a worker is about to plan them. */
export async function countUnplanned(
	tx: Tx,
	{ id, nodeId, status }: Pick<NodeDrain, 'id' | 'nodeId' | 'status'>
): Promise<number> {
	if (status !== 'running' && status !== 'paused') return 0;
	const here = await drainablesOf(tx, { nodeId }, id);
	const rows = await tx.containerMove.findMany({ where: { drainId: id } });
	return withoutMove(here, rows).filter(({ held }) => !held).length;
}

/** How many of its containers a drain waits for because another move has them, or their instances: it is not done before. */
export async function countHeld(
	tx: Tx,
	{ id, nodeId, status }: Pick<NodeDrain, 'id' | 'nodeId' | 'status'>,
	seen?: Drainable[]
): Promise<number> {
	if (status !== 'running' && status !== 'paused') return 0;
	const here = seen ?? (await drainablesOf(tx, { nodeId }, id));
	const rows = await tx.containerMove.findMany({ where: { drainId: id } });
	const own = new Set(
		rows.filter(({ status }) => status === 'running').map(({ containerId }) => containerId)
	);
	const byOthers = here.filter(
		(one) => one.moving && !own.has(one.containerId) && stayReason(one) === null
	);
	return withoutMove(here, rows).filter(({ held }) => held).length + byOthers.length;
}

function withoutMove(here: Drainable[], rows: ContainerMove[]): Drainable[] {
	const known = new Set(rows.filter(keepsItsRow).map(({ containerId }) => containerId));
	return here.filter((one) => mayGo(one) && !known.has(one.containerId));
}

/** It is open, staff decide about it, or they have left it where it is; what went and is here again has to go again. */
function keepsItsRow({ status, error }: ContainerMove): boolean {
	if (status === 'cancelled') return error !== GIVEN_UP;
	return status !== 'succeeded' && status !== 'confirming';
}
