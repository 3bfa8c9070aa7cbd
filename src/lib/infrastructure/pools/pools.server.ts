import type { Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { publish } from '#lib/core/live.server.ts';
import { audit, type Actor } from '#lib/logs/audit.server.ts';
import { placementRules } from '../placement/placement.server.ts';
import { poolsChanged } from './poolNotice.server.ts';
import { mouldsOf } from './poolWorld.server.ts';

/**
 * How many containers of a plan a node keeps ready; 0 gives up those that are. They are made, or go, one after the other.
 * @throws {AppError} NOT_FOUND the node, or one that was removed; PLAN_NOT_FOUND, also for a plan of which none can be made
 * ahead
 */
export async function setPoolTarget(
	tx: Tx,
	{ nodeId, plan: key, target }: { nodeId: string; plan: string; target: number },
	by: Actor
): Promise<void> {
	const node = await tx.node.findFirst({ where: { id: nodeId, removedAt: null } });
	if (!node) throw new AppError('NOT_FOUND');
	const plan = (await mouldsOf(tx, await placementRules())).get(key);
	if (!plan) throw new AppError('PLAN_NOT_FOUND', { params: { key } });
	const where = { nodeId_planId: { nodeId, planId: plan.id } };
	const before = await tx.warmPool.findUnique({ where });
	await tx.warmPool.upsert({
		where,
		create: { nodeId, planId: plan.id, target },
		update: { target, error: null }
	});
	await audit(tx, {
		actor: by,
		action: 'infrastructure.warm-pool',
		subject: { type: 'node', id: nodeId },
		before: { plan: key, target: before?.target ?? 0 },
		after: { node: node.name, plan: key, target }
	});
	await announce(tx, nodeId);
}

/** Makes what failed be tried now. @throws {AppError} NOT_FOUND */
export async function retryPool(
	tx: Tx,
	{ nodeId, plan }: { nodeId: string; plan: string },
	by: Actor
): Promise<void> {
	const { count } = await tx.warmPool.updateMany({
		where: { nodeId, plan: { key: plan }, node: { removedAt: null } },
		data: { error: null }
	});
	if (count === 0) throw new AppError('NOT_FOUND');
	await audit(tx, {
		actor: by,
		action: 'infrastructure.retry-pool',
		subject: { type: 'node', id: nodeId },
		after: { plan }
	});
	await announce(tx, nodeId);
}

/**
 * Staff need the room: nothing of a plan is kept ready anywhere any more, and what is there goes.
 * @throws {AppError} NOT_FOUND when nothing is kept of it
 */
export async function releasePools(tx: Tx, plan: string, by: Actor): Promise<void> {
	const pools = await tx.warmPool.findMany({
		where: { plan: { key: plan }, target: { gt: 0 } },
		include: { node: { select: { name: true } } }
	});
	const [first] = pools;
	if (!first) throw new AppError('NOT_FOUND');
	await tx.warmPool.updateMany({
		where: { plan: { key: plan } },
		data: { target: 0, error: null }
	});
	await audit(tx, {
		actor: by,
		action: 'infrastructure.release-pools',
		subject: { type: 'plan', id: first.planId },
		before: Object.fromEntries(pools.map(({ node, target }) => [node.name, target])),
		after: { plan }
	});
	for (const { nodeId } of pools) await announce(tx, nodeId);
}

async function announce(tx: Tx, nodeId: string): Promise<void> {
	await publish(tx, 'staff:nodes', nodeId);
	await poolsChanged(tx);
}
