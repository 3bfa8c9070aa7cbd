import { now } from '#lib/core/clock.server.ts';
import { db, transaction, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import type { Plan, SubscriptionChange, Tenant } from '#prisma/generated/client.ts';
import {
	previewChange,
	type SubscriptionScope,
	type Wanted
} from '../billing/changePreview.server.ts';
import { orderChange } from '../billing/changes.server.ts';
import type { Actor } from '../logs/audit.server.ts';
import { notify } from '../notifications/notifications.server.ts';
import { againstGrowth, growthFits, holdRoom, type PlanGrowth } from './applyPlan.server.ts';
import { againstMove } from './moves/migrationWords.ts';
import { isBeingPaid } from './moves/tenants/heldForPayment.server.ts';
import type { MoveFit } from './moves/tenants/moveFits.server.ts';
import type { TenantMoveRefusal } from './moves/tenants/tenantMoveWords.ts';
import { checkMoveTime, giveUpHeld, giveUpUnpaid, isMove } from './planMoves.server.ts';

/** What a change means for one instance. */
export interface InstanceGrowth extends PlanGrowth {
	tenant: Pick<Tenant, 'id' | 'slug' | 'isolation'>;
	toIsolation: Plan['isolation'];
}

export interface ShownChange {
	change: SubscriptionChange;
	/** What it means for the instances that the subscription pays for. */
	growth: InstanceGrowth[];
}

/** What passes by itself until a change that begins later is in force. */
const MAY_PASS: ReadonlySet<TenantMoveRefusal> = new Set([
	...(['no_room', 'busy', 'moving', 'kept', 'offline', 'state'] as const)
]);

/**
 * What a change of a subscription would cost and mean, before anything is charged. One that means a move is shown with all
 * that speaks against it, and staff hear of a customer who finds no room.
 * @throws {AppError} NO_ROOM_TO_GROW, IS_MOVING: what could not be delivered is never charged; and what `previewChange` throws
 */
export async function previewPlanChange(
	scope: SubscriptionScope,
	wanted: Wanted,
	by: Actor
): Promise<ShownChange> {
	const change = await previewChange(scope, wanted, by);
	const growth = await growthOfChange(db, change);
	const { stripeSubscriptionId } = await db.subscription.findUniqueOrThrow({
		where: { id: change.subscriptionId },
		select: { stripeSubscriptionId: true }
	});
	checkGrowth(growth, beginsWhen(change, { stripeSubscriptionId }));
	await tellNoRoom(change, growth);
	return { change, growth };
}

/** @throws {AppError} for what stays where it is and cannot have other limits there */
function checkGrowth(growth: InstanceGrowth[], begins: 'now' | 'period_end'): void {
	for (const { move, container } of growth) {
		const against = move || !container ? null : againstGrowth(container, begins);
		if (against) throw against;
	}
}

/** What a change that was shown means for the instances; nothing once it is in force. Needs the owner's role. */
export async function growthOfChange(
	tx: Tx,
	change: SubscriptionChange
): Promise<InstanceGrowth[]> {
	if (change.toPlanId === change.fromPlanId) return [];
	const plan = await tx.plan.findUniqueOrThrow({ where: { id: change.toPlanId } });
	const growth: InstanceGrowth[] = [];
	for (const tenant of await instancesOf(tx, change))
		growth.push({ tenant, toIsolation: plan.isolation, ...(await growthFits(tx, tenant, plan)) });
	return growth;
}

/**
 * What speaks against ordering a change because of a move, if anything does.
 * @param begins when it begins: what passes by itself does not speak against what begins later
 */
export function againstOrder(move: MoveFit, begins: 'now' | 'period_end'): TenantMoveRefusal[] {
	return begins === 'now' ? move.reasons : move.reasons.filter((reason) => !MAY_PASS.has(reason));
}

/**
 * When what a change wants must be delivered: with the order, or with the next period. Without Stripe there is no period to
 * wait for.
 */
export function beginsWhen(
	change: Pick<SubscriptionChange, 'prorationDate'>,
	subscription: { stripeSubscriptionId: string | null }
): 'now' | 'period_end' {
	return change.prorationDate || !subscription.stripeSubscriptionId ? 'now' : 'period_end';
}

/**
 * Orders what was shown: first the room is held, then it is charged. A change that is refused, or cannot even be ordered,
 * gives the room back.
 * @param options.moveAt when an instance that must move for it begins to, within the next seven days; null: at once
 * @returns as `orderChange`
 * @throws {AppError} MOVE_REFUSED, NO_ROOM_TO_GROW, IS_MOVING: what could not be delivered is never charged; BAD_INPUT for a time that is
 * none; and what `orderChange` throws
 */
export async function orderPlanChange(
	scope: { changeId: string; customerId: string },
	by: Actor,
	options: { moveAt?: Date | null } = {}
): Promise<SubscriptionChange> {
	const change = await db.subscriptionChange.findFirst({
		where: { id: scope.changeId, customerId: scope.customerId },
		include: { subscription: { select: { planId: true, stripeSubscriptionId: true } } }
	});
	if (!change) throw new AppError('NOT_FOUND');
	const isFirst = change.status === 'previewed' && change.toPlanId !== change.fromPlanId;
	if (isFirst) {
		const notBefore = options.moveAt ?? null;
		if (notBefore) checkMoveTime(notBefore);
		// What begins with the next period needs its room then.
		if (beginsWhen(change, change.subscription) === 'now') await hold(change, { notBefore, by });
		else await checkLater(change);
	}
	const ordered = await orderChange(scope, by).catch(async (error: unknown) => {
		if (isFirst) await giveBackUnordered(change);
		throw error;
	});
	if (isFirst && ordered.status === 'refused')
		for (const tenant of await instancesOf(db, change))
			await giveUpUnpaid(tenant, change.subscription.planId);
	return ordered;
}

async function hold(
	change: SubscriptionChange,
	move: { notBefore: Date | null; by: Actor }
): Promise<void> {
	const plan = await db.plan.findUniqueOrThrow({ where: { id: change.toPlanId } });
	await transaction(async (tx) => {
		for (const tenant of await instancesOf(tx, change)) await holdRoom(tx, tenant, plan, move);
	});
}

/** Nothing was ordered: what was held for it is free at once, unless another order of the same plan has it. */
async function giveBackUnordered({ id, ...change }: SubscriptionChange): Promise<void> {
	const { status } = await db.subscriptionChange.findUniqueOrThrow({ where: { id } });
	if (status !== 'previewed') return;
	const plan = await db.plan.findUniqueOrThrow({ where: { id: change.toPlanId } });
	await transaction(async (tx) => {
		if (await isBeingPaid(tx, change, plan.id)) return;
		for (const tenant of await instancesOf(tx, change)) {
			const { id } = tenant;
			if (isMove(tenant, plan)) await giveUpHeld(tx, id, plan.id);
			// What stays where it is has the limits of its plan again.
			else await enqueue(tx, 'provisioning.apply-plan', { tenantId: id }, { key: id });
		}
	});
}

async function checkLater(change: SubscriptionChange): Promise<void> {
	const growth = await growthOfChange(db, change);
	checkGrowth(growth, 'period_end');
	for (const { move } of growth) {
		if (!move || move.fits) continue;
		const [reason] = againstOrder(move, 'period_end');
		if (reason)
			throw new AppError('MOVE_REFUSED', {
				params: { reason: againstMove(reason) },
				detail: reason
			});
	}
}

/** Somebody wants to pay for what we have no room for: staff are told once a day. */
async function tellNoRoom(change: SubscriptionChange, growth: InstanceGrowth[]): Promise<void> {
	const plan = await db.plan.findUniqueOrThrow({ where: { id: change.toPlanId } });
	const day = now().toISOString().slice(0, 10);
	for (const { tenant, move } of growth)
		if (move?.reasons.includes('no_room'))
			await transaction((tx) =>
				notify(tx, {
					permission: 'infrastructure:read',
					kind: 'plan_wanted_no_room',
					severity: 'warning',
					data: { slug: tenant.slug, plan: plan.name },
					href: '/admin/provision',
					dedupeKey: `no-room:${tenant.id}:${plan.id}:${day}`
				})
			);
}

function instancesOf(
	tx: Tx,
	change: Pick<SubscriptionChange, 'customerId' | 'subscriptionId'>
): Promise<Tenant[]> {
	return tx.tenant.findMany({
		where: {
			customerId: change.customerId,
			subscriptionId: change.subscriptionId,
			status: { notIn: ['deleted', 'refunded', 'deleting'] }
		},
		orderBy: { id: 'asc' }
	});
}
