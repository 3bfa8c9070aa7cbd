import type Stripe from 'stripe';
import { after, HOUR, now } from '#lib/core/clock.server.ts';
import { db, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import { isMissing, StripeVendorError } from '#lib/integrations/stripe/errors.ts';
import { audit, SYSTEM, type Actor } from '#lib/logs/audit.server.ts';
import { refreshStatus } from '#lib/customers/customers.server.ts';
import type { PlanWithPrices } from '#lib/plans/plans.server.ts';
import { stripeClient } from '#lib/settings/clients.server.ts';
import { perMonth } from '#lib/core/money.ts';
import type { Subscription } from '#prisma/generated/client.ts';
import { mirrored } from './mirror.server.ts';
import { recordMovement } from './movements.server.ts';
import { DELAYED, mrrOf } from './subscriptionStates.ts';
import {
	afterChange,
	columnsOf,
	NOTHING_YET,
	writeSubscription,
	type AtStripe
} from './subscriptionWrite.server.ts';
import { idOf } from './checkout.server.ts';

export { isOwed, statusOf } from './subscriptionStates.ts';

/** The subscription at Stripe, coupons included; null when Stripe has none. @throws {StripeVendorError} */
export async function retrieveSubscription(id: string): Promise<Stripe.Subscription | null> {
	const client = await stripeClient();
	try {
		return await client.subscriptions.retrieve(id);
	} catch (error) {
		if (isMissing(error)) return null;
		throw error;
	}
}

/**
 * Takes over a subscription that Checkout made. What happened to it before we knew it (invoices, refunds, disputes) is
 * then read from Stripe by a job; if we know it already, that job is all that happens.
 */
export async function upsertFromStripe(
	tx: Tx,
	subscription: Stripe.Subscription,
	owner: { customerId: string; planId: string }
): Promise<Subscription> {
	const known = await tx.subscription.findUnique({
		where: { stripeSubscriptionId: subscription.id }
	});
	await enqueue(
		tx,
		'billing.refresh-subscription',
		{ stripeSubscriptionId: subscription.id },
		{ key: subscription.id }
	);
	if (known) return known;
	const columns = await columnsOf(tx, subscription, { ...NOTHING_YET, planId: owner.planId });
	const row = await tx.subscription.create({
		data: {
			...columns,
			customerId: owner.customerId,
			stripeSubscriptionId: subscription.id,
			billingMode: 'stripe'
		}
	});
	await afterChange(tx, null, row, mrrOf(subscription));
	return tx.subscription.findUniqueOrThrow({ where: { id: row.id } });
}

/**
 * A subscription that Stripe does not bill: at plan price and counted in MRR, or free with a reason and worth 0.
 * @throws {AppError} PLAN_NOT_FOUND when the plan has no price for the interval
 */
export async function createInvoicedSubscription(
	tx: Tx,
	input: {
		customerId: string;
		plan: PlanWithPrices;
		billing: 'invoice' | 'free';
		reason: string | null;
		interval?: 'month' | 'year';
		by?: Actor;
	}
): Promise<Subscription> {
	const interval = input.interval ?? 'month';
	const price = input.plan.prices.find((candidate) => candidate.interval === interval);
	if (!price) throw new AppError('PLAN_NOT_FOUND');
	const row = await tx.subscription.create({
		data: {
			customerId: input.customerId,
			planId: input.plan.id,
			billingMode: input.billing,
			billingReason: input.reason,
			status: 'active',
			currency: price.currency,
			amount: input.billing === 'free' ? 0 : price.amount,
			interval,
			currentPeriodStart: now()
		}
	});
	await recordMovement(tx, row, perMonth(row.amount, interval), now());
	await refreshStatus(tx, input.customerId);
	await audit(tx, {
		actor: input.by ?? SYSTEM,
		action: 'billing.create-subscription',
		subject: { type: 'subscription', id: row.id },
		customerId: input.customerId,
		after: { plan: input.plan.key, billing: input.billing, reason: input.reason }
	});
	return tx.subscription.findUniqueOrThrow({ where: { id: row.id } });
}

/**
 * Ends a subscription: at once when Stripe does not bill it, else by a job that ends it at Stripe without a last
 * invoice. Gives nothing back; see `refundSignup`.
 */
export async function cancelSubscription(
	tx: Tx,
	input: { subscriptionId: string; reason: string; by?: Actor }
): Promise<void> {
	const row = await tx.subscription.findUniqueOrThrow({ where: { id: input.subscriptionId } });
	await audit(tx, {
		actor: input.by ?? SYSTEM,
		action: 'billing.cancel-subscription',
		subject: { type: 'subscription', id: row.id },
		customerId: row.customerId,
		after: { reason: input.reason }
	});
	if (row.stripeSubscriptionId) {
		const { stripeSubscriptionId } = row;
		await enqueue(
			tx,
			'billing.cancel-subscription',
			{ stripeSubscriptionId, reason: input.reason },
			{ key: stripeSubscriptionId }
		);
		return;
	}
	if (row.status === 'cancelled') return;
	const ended = await tx.subscription.update({
		where: { id: row.id },
		data: { status: 'cancelled', cancelledAt: now() }
	});
	await afterChange(tx, row, ended, 0);
}

/**
 * Ends a subscription at Stripe, reads that back and mirrors it. Does nothing to one that has ended.
 * @throws {StripeVendorError}
 */
export async function cancelAtStripe(stripeSubscriptionId: string, reason: string): Promise<void> {
	const client = await stripeClient({ subjectId: await idOfRow(stripeSubscriptionId) });
	if (!hasEnded(await client.subscriptions.retrieve(stripeSubscriptionId))) {
		try {
			await client.subscriptions.cancel(stripeSubscriptionId, reason);
		} catch (error) {
			// A cut connection makes the SDK send it again, and Stripe does not find what it has just ended.
			if (!isMissing(error)) throw error;
		}
		if (!hasEnded(await client.subscriptions.retrieve(stripeSubscriptionId))) {
			throw new StripeVendorError({
				operation: 'subscriptions.cancel',
				kind: 'vendor',
				message: `subscription ${stripeSubscriptionId} goes on after it was cancelled`,
				retryable: true
			});
		}
	}
	await mirrorSubscription(stripeSubscriptionId);
}

/** Reads a subscription of ours from Stripe and writes what it is now. */
export async function mirrorSubscription(
	stripeSubscriptionId: string
): Promise<'applied' | 'unknown_object'> {
	const known = await db.subscription.findUnique({
		where: { stripeSubscriptionId },
		select: { id: true }
	});
	if (!known) return 'unknown_object';
	await mirrored(
		stripeSubscriptionId,
		() => readAtStripe(stripeSubscriptionId),
		(tx, atStripe) => writeSubscription(tx, known.id, atStripe)
	);
	return 'applied';
}

/** A subscription with the schedule that will change it. @throws {StripeVendorError} */
export async function readAtStripe(stripeSubscriptionId: string): Promise<AtStripe> {
	const client = await stripeClient();
	const subscription = await client.subscriptions.retrieve(stripeSubscriptionId);
	const scheduleId = idOf(subscription.schedule);
	const schedule = scheduleId ? await client.schedules.retrieve(scheduleId) : null;
	return { subscription, schedule };
}

/**
 * Moves the next charge back by the time that a slow set-up took. Runs any number of times and moves it once.
 * @param byMs milliseconds
 * @throws {StripeVendorError}
 */
export async function delayNextCharge(subscriptionId: string, byMs: number): Promise<void> {
	const row = await db.subscription.findUniqueOrThrow({ where: { id: subscriptionId } });
	const { stripeSubscriptionId } = row;
	if (!stripeSubscriptionId) return;
	const client = await stripeClient({ subjectId: row.id, customerId: row.customerId });
	const before = await client.subscriptions.retrieve(stripeSubscriptionId);
	const end = before.items.data[0]?.current_period_end;
	if (before.metadata[DELAYED] || hasEnded(before) || end === undefined) return;
	// Whole hours, so that a second try says the same under the same key.
	const hours = Math.max(1, Math.round(byMs / HOUR));
	const until = Math.floor(after(new Date(end * 1000), hours * HOUR).getTime() / 1000);
	await client.subscriptions.update(
		stripeSubscriptionId,
		{
			trial_end: until,
			proration_behavior: 'none',
			metadata: { [DELAYED]: String(until) }
		},
		`delay:${stripeSubscriptionId}:${until}`
	);
	await mirrorSubscription(stripeSubscriptionId);
}

export function hasEnded(subscription: Stripe.Subscription): boolean {
	return subscription.status === 'canceled' || subscription.status === 'incomplete_expired';
}

async function idOfRow(stripeSubscriptionId: string): Promise<string | undefined> {
	const row = await db.subscription.findUnique({
		where: { stripeSubscriptionId },
		select: { id: true }
	});
	return row?.id;
}
