import type Stripe from 'stripe';
import { now } from '#lib/core/clock.server.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { publish } from '#lib/core/live.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import { audit, SYSTEM } from '#lib/logs/audit.server.ts';
import { refreshStatus } from '#lib/customers/customers.server.ts';
import type { Subscription, SubscriptionStatus } from '#prisma/generated/client.ts';
import { recordMovement } from './movements.server.ts';
import { isOwed, mrrOf, statusOf } from './subscriptionStates.ts';

/** Writes what Stripe says over our row, with everything that follows from the difference. */
export async function writeSubscription(
	tx: Tx,
	id: string,
	subscription: Stripe.Subscription
): Promise<void> {
	await tx.$queryRaw`SELECT id FROM subscriptions WHERE id = ${id}::uuid FOR UPDATE`;
	const before = await tx.subscription.findUniqueOrThrow({ where: { id } });
	const columns = await columnsOf(tx, subscription, before);
	const row = await tx.subscription.update({ where: { id }, data: columns });
	await afterChange(tx, before, row, mrrOf(subscription));
}

/** What of a Stripe subscription we keep. @param ours status and plan that stay when Stripe says what we do not know */
export async function columnsOf(
	tx: Tx,
	subscription: Stripe.Subscription,
	ours: { status: SubscriptionStatus; planId: string }
) {
	const item = subscription.items.data[0];
	const price = item
		? await tx.planPrice.findUnique({
				where: { stripePriceId: item.price.id },
				select: { planId: true }
			})
		: null;
	const cancelAt = subscription.cancel_at_period_end
		? (item?.current_period_end ?? subscription.cancel_at)
		: subscription.cancel_at;
	const status = statusOf(subscription.status) ?? ours.status;
	return {
		planId: price?.planId ?? ours.planId,
		stripeStatus: subscription.status,
		status,
		currency: subscription.currency,
		amount: item?.price.unit_amount ?? 0,
		interval: item?.price.recurring?.interval === 'year' ? ('year' as const) : ('month' as const),
		quantity: item?.quantity ?? 1,
		currentPeriodStart: moment(item?.current_period_start),
		currentPeriodEnd: moment(item?.current_period_end),
		trialEnd: moment(subscription.trial_end),
		cancelAt: moment(cancelAt),
		cancelledAt:
			status === 'cancelled' ? moment(subscription.ended_at ?? subscription.canceled_at) : null
	};
}

/**
 * What follows when a subscription is not what it was: its worth, its customer's status, and word to those who act on
 * whether it is owed.
 * @param before null for one that is new to us: its maker knows
 * @param mrr what it is worth a month while it is in force, minor units
 */
export async function afterChange(
	tx: Tx,
	before: Subscription | null,
	row: Subscription,
	mrr: number
): Promise<void> {
	// Our dunning may say less than Stripe's word alone.
	const inForce = row.status === 'active' || row.status === 'past_due';
	await recordMovement(tx, row, inForce ? mrr : 0, now());
	if (before?.status !== row.status || before.planId !== row.planId)
		await refreshStatus(tx, row.customerId);
	if (before?.status !== row.status) {
		await audit(tx, {
			actor: SYSTEM,
			action: 'billing.subscription-status',
			subject: { type: 'subscription', id: row.id },
			customerId: row.customerId,
			before: before ? { status: before.status, stripeStatus: before.stripeStatus } : undefined,
			after: { status: row.status, stripeStatus: row.stripeStatus }
		});
	}
	await publish(tx, [`customer:${row.customerId}`, 'staff:billing'], row.id);
	if (before && (before.status !== row.status || isOwed(before) !== isOwed(row)))
		await enqueue(tx, 'provisioning.subscription-changed', { subscriptionId: row.id });
}

/** @param seconds unix seconds, as Stripe writes time */
export function moment(seconds: number | null | undefined): Date | null {
	return seconds === null || seconds === undefined ? null : new Date(seconds * 1000);
}
