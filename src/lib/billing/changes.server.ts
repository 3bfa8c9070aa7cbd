import { after, MINUTE, now } from '#lib/core/clock.server.ts';
import { db, isUniqueViolation, transaction, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import { StripeVendorError } from '#lib/integrations/stripe/errors.ts';
import { audit, type Actor } from '#lib/logs/audit.server.ts';
import type { ChangeKind, SubscriptionChange } from '#prisma/generated/client.ts';
import { changeable, type SubscriptionScope } from './changePreview.server.ts';
import { settleChange } from './changeSettle.server.ts';

/** How long what was shown may be ordered. */
const PREVIEW_LASTS = 30 * MINUTE;
/** When a job looks after a change whose process died with it. */
const LOOK_AFTER_SECONDS = 20;

/**
 * Orders what `previewChange` showed, and waits for what becomes of it. Ordering it again gives the same change.
 * @returns the change: `applied`, `scheduled`, `waiting_payment`, `refused` with its code, or `ordered` while Stripe does
 * not answer: a job goes on with it
 * @throws {AppError} NOT_FOUND, CHANGED_MEANWHILE when it was shown too long ago, and what `previewChange` throws
 */
export async function orderChange(
	scope: { changeId: string; customerId: string },
	by: Actor
): Promise<SubscriptionChange> {
	const shown = await db.subscriptionChange.findFirst({
		where: { id: scope.changeId, customerId: scope.customerId }
	});
	if (!shown) throw new AppError('NOT_FOUND');
	if (shown.status !== 'previewed') return asFarAsItGoes(shown.id);
	if (after(shown.createdAt, PREVIEW_LASTS) < now()) throw new AppError('CHANGED_MEANWHILE');
	const subscription = await changeable({
		id: shown.subscriptionId,
		customerId: shown.customerId
	});
	if (subscription.planId !== shown.fromPlanId) throw new AppError('CHANGED_MEANWHILE');
	await oneAtATime(
		transaction(async (tx) => {
			const { count } = await tx.subscriptionChange.updateMany({
				where: { id: shown.id, status: 'previewed' },
				data: { status: 'ordered', orderedAt: now() }
			});
			if (count === 1) await begin(tx, shown, by);
		})
	);
	return asFarAsItGoes(shown.id);
}

type ActKind = Extract<ChangeKind, 'cancel' | 'cancel_at_end' | 'resume' | 'coupon' | 'trial'>;

export interface ActDetails {
	reason?: string | null;
	/** Row of the coupon that is given. */
	couponId?: string;
	/** Of `trial`: the day of the next charge. */
	until?: Date;
}

/**
 * Orders something that costs nothing now: an end, its taking back, a discount, free time.
 * @returns as `orderChange`
 * @throws {AppError} NOT_FOUND, CHANGE_PENDING, WRONG_STATE when it has ended
 */
export async function orderAct(
	scope: SubscriptionScope,
	kind: ActKind,
	details: ActDetails,
	by: Actor
): Promise<SubscriptionChange> {
	const subscription = await db.subscription.findFirst({
		where: { id: scope.id, customerId: scope.customerId }
	});
	if (!subscription) throw new AppError('NOT_FOUND');
	if (subscription.status === 'cancelled')
		throw new AppError('WRONG_STATE', { params: { from: 'cancelled', to: kind } });
	const change = await oneAtATime(
		transaction(async (tx) => {
			const row = await tx.subscriptionChange.create({
				data: {
					customerId: scope.customerId,
					subscriptionId: scope.id,
					kind,
					status: 'ordered',
					orderedAt: now(),
					fromPlanId: subscription.planId,
					toPlanId: subscription.planId,
					toInterval: subscription.interval,
					toQuantity: subscription.quantity,
					currency: subscription.currency,
					couponId: details.couponId ?? null,
					reason: details.reason ?? null,
					// Stripe counts in seconds.
					effectiveAt: details.until ? wholeSeconds(details.until) : null,
					byId: by.id ?? null,
					byLabel: by.label,
					createdAt: now()
				}
			});
			await begin(tx, row, by);
			return row;
		})
	);
	return asFarAsItGoes(change.id);
}

/**
 * Takes a change back that is scheduled for the end of the period. Doing it twice does it once.
 * @throws {AppError} NOT_FOUND, WRONG_STATE when it is in force
 */
export async function undoChange(
	scope: { changeId: string; customerId: string },
	by: Actor
): Promise<SubscriptionChange> {
	const change = await db.subscriptionChange.findFirst({
		where: { id: scope.changeId, customerId: scope.customerId }
	});
	if (!change) throw new AppError('NOT_FOUND');
	if (change.status === 'undone') return change;
	if (change.status !== 'scheduled')
		throw new AppError('WRONG_STATE', { params: { from: change.status, to: 'undone' } });
	await transaction(async (tx) => {
		await tx.subscriptionChange.update({ where: { id: change.id }, data: { undoneBy: by.label } });
		await note(tx, change, by, 'billing.undo-change');
		await enqueue(
			tx,
			'billing.settle-change',
			{ changeId: change.id },
			{ key: change.id, startAfter: LOOK_AFTER_SECONDS }
		);
	});
	return asFarAsItGoes(change.id);
}

/** Something happened to a subscription at Stripe: what waits for that is looked at again. */
export async function wakeChanges(tx: Tx, stripeSubscriptionId: string): Promise<void> {
	const waiting = await tx.subscriptionChange.findMany({
		where: {
			status: { in: ['waiting_payment', 'scheduled'] },
			subscription: { stripeSubscriptionId }
		},
		select: { id: true }
	});
	for (const { id } of waiting)
		await enqueue(tx, 'billing.settle-change', { changeId: id }, { key: id });
}

/** Settles a change for somebody who waits. While Stripe does not answer it stays as it is, and its job goes on with it. */
export async function asFarAsItGoes(changeId: string): Promise<SubscriptionChange> {
	try {
		return await settleChange(changeId);
	} catch (error) {
		if (!(error instanceof StripeVendorError)) throw error;
		return db.subscriptionChange.findUniqueOrThrow({ where: { id: changeId } });
	}
}

async function begin(tx: Tx, change: SubscriptionChange, by: Actor): Promise<void> {
	await note(tx, change, by, 'billing.order-change');
	await enqueue(
		tx,
		'billing.settle-change',
		{ changeId: change.id },
		{ key: change.id, startAfter: LOOK_AFTER_SECONDS }
	);
}

async function note(tx: Tx, change: SubscriptionChange, by: Actor, action: string): Promise<void> {
	await audit(tx, {
		actor: by,
		action,
		subject: { type: 'subscription', id: change.subscriptionId },
		customerId: change.customerId,
		after: {
			change: change.id,
			kind: change.kind,
			amountDue: change.amountDue,
			currency: change.currency,
			reason: change.reason
		}
	});
}

/** Of one subscription one change at a time: the database says so. */
async function oneAtATime<T>(work: Promise<T>): Promise<T> {
	try {
		return await work;
	} catch (error) {
		if (isUniqueViolation(error)) throw new AppError('CHANGE_PENDING', { cause: error });
		throw error;
	}
}

function wholeSeconds(at: Date): Date {
	return new Date(Math.floor(at.getTime() / 1000) * 1000);
}
