import type Stripe from 'stripe';
import { StripeVendorError } from '#lib/integrations/stripe/errors.ts';
import type { StripeClient } from '#lib/integrations/stripe/stripe.server.ts';
import { releaseSchedule } from './changeLater.server.ts';
import { refused } from './changeNow.server.ts';
import type { BilledChange, Outcome } from './changeTypes.ts';
import { hasEnded } from './subscriptions.server.ts';
import { moment } from './subscriptionWrite.server.ts';

/** Ends a subscription with the period that is paid; what was scheduled for then goes with it. @throws {StripeVendorError} */
export async function cancelAtEnd(client: StripeClient, change: BilledChange): Promise<Outcome> {
	await releaseSchedule(client, change.subscription);
	const after = await update(client, change, { cancel_at_period_end: true });
	if (hasEnded(after)) return refused('WRONG_STATE');
	if (!after.cancel_at_period_end) throw unchanged(change, 'cancel_at_period_end');
	return { status: 'applied', effectiveAt: moment(after.items.data[0]?.current_period_end) };
}

/** Takes the end of a subscription back, before it has come. @throws {StripeVendorError} */
export async function resume(client: StripeClient, change: BilledChange): Promise<Outcome> {
	const before = await client.subscriptions.retrieve(change.subscription);
	if (hasEnded(before)) return refused('WRONG_STATE');
	const after = before.cancel_at_period_end
		? await update(client, change, { cancel_at_period_end: false })
		: before.cancel_at !== null
			? await update(client, change, { cancel_at: '' })
			: before;
	if (after.cancel_at_period_end || after.cancel_at !== null) throw unchanged(change, 'cancel_at');
	return { status: 'applied' };
}

/** Gives a discount from the next invoice on; it takes the place of those that were there. @throws {StripeVendorError} */
export async function discount(
	client: StripeClient,
	change: BilledChange,
	promotionCode: string,
	coupon: string
): Promise<Outcome> {
	const has = (subscription: Stripe.Subscription) =>
		subscription.discounts.some((one) => typeof one !== 'string' && couponOf(one) === coupon);
	const before = await client.subscriptions.retrieve(change.subscription);
	if (hasEnded(before)) return refused('WRONG_STATE');
	const after = has(before)
		? before
		: await update(client, change, { discounts: [{ promotion_code: promotionCode }] });
	if (!has(after)) throw unchanged(change, 'discounts');
	return { status: 'applied' };
}

/** Moves the next charge to a day; nothing is charged or credited for the time until then. @throws {StripeVendorError} */
export async function freeUntil(client: StripeClient, change: BilledChange): Promise<Outcome> {
	const end = change.effectiveAt && Math.floor(change.effectiveAt.getTime() / 1000);
	if (!end) return refused('WRONG_STATE');
	const before = await client.subscriptions.retrieve(change.subscription);
	if (hasEnded(before)) return refused('WRONG_STATE');
	const after =
		before.trial_end === end
			? before
			: await update(client, change, { trial_end: end, proration_behavior: 'none' });
	if (after.trial_end !== end) throw unchanged(change, 'trial_end');
	return { status: 'applied', effectiveAt: change.effectiveAt };
}

/** Sends one change and reads back what it made of the subscription. */
async function update(
	client: StripeClient,
	change: BilledChange,
	params: Stripe.SubscriptionUpdateParams
): Promise<Stripe.Subscription> {
	const before = await client.subscriptions.retrieve(change.subscription);
	if (hasEnded(before)) return before;
	await client.subscriptions.update(change.subscription, params, `change:${change.id}`);
	return client.subscriptions.retrieve(change.subscription);
}

function couponOf({ source }: Stripe.Discount): string | null {
	const { coupon } = source;
	return typeof coupon === 'string' ? coupon : (coupon?.id ?? null);
}

function unchanged(change: BilledChange, what: string): StripeVendorError {
	return new StripeVendorError({
		operation: 'subscriptions.update',
		kind: 'vendor',
		message: `${what} of ${change.subscription} is not what was asked for`,
		retryable: true
	});
}
