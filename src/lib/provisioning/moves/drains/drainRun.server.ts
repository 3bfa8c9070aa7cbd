import { now } from '#lib/core/clock.server.ts';
import { db, isUniqueViolation, lock, transaction, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { publish } from '#lib/core/live.server.ts';
import { PLACEMENT_LOCK } from '#lib/infrastructure/placement/placement.server.ts';
import type { Yielding } from '#lib/infrastructure/pools/yielding.ts';
import { heldAhead, yieldRoom } from '#lib/infrastructure/pools/yieldRoom.server.ts';
import { notify } from '#lib/notifications/notifications.server.ts';
import type { Actor } from '#lib/logs/audit.server.ts';
import { setting } from '#lib/settings/settings.server.ts';
import type { ContainerMove, NodeDrain } from '#prisma/generated/client.ts';
import { drainablesOf, nodesNow } from './drainContainers.server.ts';
import { countHeld, giveUpGone, planSome } from './drainMatch.server.ts';
import { planDrain, type Drainable } from './drainPlan.ts';
import { undecidedOf } from './drainView.server.ts';
import { DRAIN_LOCK, wakeDrain } from './drainWake.server.ts';
import { nextLookForRoom, ROOM_COMES } from '../containers/moveRoom.server.ts';
import { beginMove } from '../containers/moves.server.ts';

/**
 * Plans what is to go and has no move yet, begins what can begin now of a drain, and ends it when nothing is left. It decides
 * from the rows alone, so that it may run any number of times and be interrupted anywhere. Whoever ends a move wakes it.
 */
export async function advanceDrain(drainId: string): Promise<void> {
	const parallel = await setting('provisioning.drain_parallel');
	const refused = new Map<string, string>();
	const passed = new Set<string>();
	for (;;) {
		const known = passed.size;
		const chosen: { id?: string } = {};
		try {
			const goesOn = await transaction((tx) =>
				advance(tx, drainId, { parallel, refused, passed, chosen })
			);
			if (!goesOn) break;
		} catch (error) {
			// Of two who plan the same at once one is late.
			if (!(error instanceof AppError) && !isUniqueViolation(error)) throw error;
			// Taken back as a whole: it stays planned, its reason is kept, and the others go on.
			if (chosen.id) refused.set(chosen.id, error instanceof AppError ? error.message : 'busy');
			// It has no move yet, and is planned at a later look.
			else if (passed.size === known) throw error;
		}
	}
	await noteRefusals(drainId, refused);
}

interface Choice {
	parallel: number;
	/** Moves that could not begin in this round, with why. */
	refused: Map<string, string>;
	/** Containers for which no move could be planned in this round. */
	passed: Set<string>;
	/** Which one is being begun. */
	chosen: { id?: string };
}

/** Plans some, or else begins one. @returns whether there may be more to do */
async function advance(tx: Tx, drainId: string, choice: Choice): Promise<boolean> {
	await lock(tx, DRAIN_LOCK);
	const drain = await tx.nodeDrain.findUnique({ where: { id: drainId } });
	if (drain?.status !== 'running' && drain?.status !== 'paused') return false;
	const here = await drainablesOf(tx, { nodeId: drain.nodeId }, drainId);
	await giveUpGone(tx, drainId, here);
	// Paused as well: customers are told of its time as soon as there is one.
	if (await planSome(tx, drain, here, { by: actorOf(drain), passed: choice.passed })) return true;
	if (drain.status === 'paused') return false;
	if (drain.notBefore && drain.notBefore > now()) {
		await wakeDrain(tx, drainId, drain.notBefore);
		return false;
	}
	const planned = await tx.containerMove.findMany({
		where: { drainId, status: 'planned' },
		orderBy: [{ position: 'asc' }, { id: 'asc' }]
	});
	const running = await tx.containerMove.count({ where: { drainId, status: 'running' } });
	const isLeft = choice.passed.size > 0 || (await countHeld(tx, drain, here)) > 0;
	if (planned.length === 0 && running === 0 && !isLeft) await finish(tx, drain);
	if (running >= choice.parallel) return false;
	const next = await choose(tx, planned, here, choice.refused);
	if (!next) {
		if ([...choice.refused.values()].includes(ROOM_COMES))
			await wakeDrain(tx, drainId, nextLookForRoom());
		return false;
	}
	choice.chosen.id = next.move.id;
	const { status } = await beginMove(tx, next.move.id, actorOf(drain), next.toNodeId);
	if (status === 'planned') choice.refused.set(next.move.id, ROOM_COMES);
	else await tx.containerMove.update({ where: { id: next.move.id }, data: { error: null } });
	await publish(tx, 'staff:moves', drainId);
	return true;
}

/**
 * The first whose turn it is and whose target takes nobody else at the moment. Where there is none, what was made ahead for
 * others goes where it is in the way of one.
 */
async function choose(
	tx: Tx,
	planned: ContainerMove[],
	here: Drainable[],
	refused: Map<string, string>
): Promise<{ move: ContainerMove; toNodeId: string } | null> {
	const waiting = new Set(planned.map(({ containerId }) => containerId));
	// All that still have to go are planned again together, so that a small one takes no place that a large one needs.
	const plan = planDrain(
		here.filter(({ containerId }) => waiting.has(containerId)),
		await nodesNow(tx),
		await heldAhead(tx)
	);
	const targets = new Map(plan.moves.map((one) => [one.container.containerId, one]));
	const busy = await tx.containerMove.findMany({
		where: { status: 'running', toNodeId: { in: plan.moves.map(({ to }) => to.nodeId) } },
		select: { toNodeId: true }
	});
	const taken = new Set(busy.map(({ toNodeId }) => toNodeId));
	const inTheWay: Pick<Yielding, 'containers'> = { containers: [] };
	for (const move of planned) {
		if (refused.has(move.id)) continue;
		const target = targets.get(move.containerId);
		if (!target) refused.set(move.id, 'no_room');
		else if (target.yields) {
			refused.set(move.id, ROOM_COMES);
			inTheWay.containers.push(...target.yields);
		} else if (!taken.has(target.to.nodeId)) return { move, toNodeId: target.to.nodeId };
	}
	// Only here, where nothing begins: whoever begins a move takes the container's lock before this one.
	if (inTheWay.containers.length > 0) {
		await lock(tx, PLACEMENT_LOCK);
		await yieldRoom(tx, inTheWay);
	}
	return null;
}

/** It is done when nothing is left to decide: what failed or was turned back waits for staff, who retry it or leave it. */
async function finish(tx: Tx, drain: NodeDrain): Promise<void> {
	const open = await tx.containerMove.count({
		where: { drainId: drain.id, status: { in: ['planned', 'running'] } }
	});
	if (open > 0 || (await undecidedOf(tx, [drain.id])).size > 0) return;
	await tx.nodeDrain.update({
		where: { id: drain.id },
		data: { status: 'done', finishedAt: now() }
	});
	const node = await tx.node.findUniqueOrThrow({
		where: { id: drain.nodeId },
		select: { name: true }
	});
	const moved = await tx.containerMove.count({
		where: { drainId: drain.id, status: { in: ['succeeded', 'confirming'] } }
	});
	await notify(tx, {
		permission: 'infrastructure:read',
		kind: 'drain_done',
		severity: 'success',
		data: { node: node.name, moved },
		href: `/admin/infrastructure/drains/${drain.id}`,
		dedupeKey: `drain-done:${drain.id}`
	});
	await publish(tx, ['staff:moves', 'staff:nodes'], drain.nodeId);
}

/** Why each of them waits, for the page; what could begin meanwhile has none. */
async function noteRefusals(drainId: string, refused: Map<string, string>): Promise<void> {
	for (const [id, error] of refused)
		await db.containerMove.updateMany({
			where: { id, drainId, status: 'planned', OR: [{ error: null }, { NOT: { error } }] },
			data: { error }
		});
	if (refused.size > 0) await transaction((tx) => publish(tx, 'staff:moves', drainId));
}

/** Who asked for the drain asks for its moves. */
function actorOf({ byId, byLabel }: NodeDrain): Actor {
	return { kind: byId ? 'staff' : 'system', id: byId, label: byLabel };
}
