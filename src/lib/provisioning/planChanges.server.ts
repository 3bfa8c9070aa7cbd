import { db, transaction, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import type { SubscriptionChange } from '#prisma/generated/client.ts';
import {
	previewChange,
	type SubscriptionScope,
	type Wanted
} from '../billing/changePreview.server.ts';
import { orderChange } from '../billing/changes.server.ts';
import type { Actor } from '../logs/audit.server.ts';
import { growthFits, holdRoom, type PlanGrowth } from './applyPlan.server.ts';

export interface ShownChange {
	change: SubscriptionChange;
	/** What it means for the instances that the subscription pays for. */
	growth: PlanGrowth[];
}

/**
 * What a change of a subscription would cost and mean, before anything is charged.
 * @throws {AppError} PLAN_IS_A_MOVE and NO_ROOM_TO_GROW: what could not be delivered is never charged; and what
 * `previewChange` throws
 */
export async function previewPlanChange(
	scope: SubscriptionScope,
	wanted: Wanted,
	by: Actor
): Promise<ShownChange> {
	const change = await previewChange(scope, wanted, by);
	return { change, growth: await growthOfChange(change) };
}

/** What a change that was shown means for the instances. @throws {AppError} PLAN_IS_A_MOVE, NO_ROOM_TO_GROW */
export async function growthOfChange(change: SubscriptionChange): Promise<PlanGrowth[]> {
	if (change.toPlanId === change.fromPlanId) return [];
	const plan = await db.plan.findUniqueOrThrow({ where: { id: change.toPlanId } });
	const growth: PlanGrowth[] = [];
	for (const tenant of await instancesOf(db, change)) {
		const one = await growthFits(db, tenant, plan);
		if (one.move) throw new AppError('PLAN_IS_A_MOVE');
		if (!one.fits) throw new AppError('NO_ROOM_TO_GROW');
		growth.push(one);
	}
	return growth;
}

/**
 * Orders what was shown: first the room is held, then it is charged. A change that is refused gives the room back.
 * @returns as `orderChange`
 * @throws {AppError} as `previewPlanChange` and `orderChange`
 */
export async function orderPlanChange(
	scope: { changeId: string; customerId: string },
	by: Actor
): Promise<SubscriptionChange> {
	const change = await db.subscriptionChange.findFirst({
		where: { id: scope.changeId, customerId: scope.customerId },
		include: { subscription: { select: { planId: true } } }
	});
	if (!change) throw new AppError('NOT_FOUND');
	// What begins with the next period needs its room then.
	if (change.status === 'previewed' && change.toPlanId !== change.fromPlanId) {
		const plan = await db.plan.findUniqueOrThrow({ where: { id: change.toPlanId } });
		if (change.prorationDate)
			await transaction(async (tx) => {
				for (const tenant of await instancesOf(tx, change)) await holdRoom(tx, tenant, plan);
			});
		else await growthOfChange(change);
	}
	return orderChange(scope, by);
}

function instancesOf(tx: Tx, change: SubscriptionChange) {
	return tx.tenant.findMany({
		where: {
			customerId: change.customerId,
			subscriptionId: change.subscriptionId,
			status: { notIn: ['deleted', 'refunded', 'deleting'] }
		},
		orderBy: { id: 'asc' },
		select: { id: true, containerId: true, isolation: true }
	});
}
