import type Stripe from 'stripe';
import { perMonth } from '#lib/core/money.ts';
import type { Subscription, SubscriptionStatus } from '#prisma/generated/client.ts';

/** Our own answer to unpaid invoices. */
export interface Dunning {
	/** The days of grace have passed. */
	suspended: boolean;
}

/** Every status that Stripe knows today, and what it means for us. */
const STATUS: Record<string, SubscriptionStatus> = {
	active: 'active',
	trialing: 'active',
	past_due: 'past_due',
	unpaid: 'suspended',
	paused: 'suspended',
	canceled: 'cancelled',
	incomplete_expired: 'cancelled',
	incomplete: 'pending'
};

/**
 * Our status of a subscription. @returns null for a status that we do not know: it is shown and never guessed, and
 * ours stays as it was
 */
export function statusOf(
	stripeStatus: string,
	dunning: Dunning = { suspended: false }
): SubscriptionStatus | null {
	const status = Object.hasOwn(STATUS, stripeStatus) ? STATUS[stripeStatus]! : null;
	return status === 'past_due' && dunning.suspended ? 'suspended' : status;
}

/** True while the customer has a right to the service: paid, tried or within grace, and not disputed. */
export function isOwed(
	subscription: Pick<Subscription, 'status' | 'disputedAt' | 'cancelledAt'>
): boolean {
	return (
		(subscription.status === 'active' || subscription.status === 'past_due') &&
		subscription.disputedAt === null &&
		subscription.cancelledAt === null
	);
}

/** Marks a trial that only makes up for a slow set-up: it was paid for, so it counts. */
export const DELAYED = 'erpcore_charge_delayed_until';

/**
 * What a subscription at Stripe is worth a month, in minor units: its recurring items less coupons that last for
 * ever; nothing while it is tried or not in force. Taxes and one-off items never count.
 * @param subscription with `discounts.source.coupon` expanded
 */
export function mrrOf(subscription: Stripe.Subscription): number {
	const status = statusOf(subscription.status);
	if (status !== 'active' && status !== 'past_due') return 0;
	if (subscription.status === 'trialing' && !subscription.metadata[DELAYED]) return 0;
	const gross = subscription.items.data.reduce((sum, item) => sum + itemPerMonth(item), 0);
	return Math.max(0, Math.round(subscription.discounts.reduce(lessForever(subscription), gross)));
}

function itemPerMonth(item: Stripe.SubscriptionItem): number {
	const { recurring, unit_amount: unit } = item.price;
	if (!recurring || unit === null) return 0;
	return monthly(unit * (item.quantity ?? 1), recurring.interval, recurring.interval_count);
}

/** Stripe bills by the day, week, month or year; a month is a twelfth of a year of 365 days. */
function monthly(amount: number, interval: string, count: number): number {
	if (interval === 'month' || interval === 'year') return perMonth(amount / count, interval);
	return (amount * 365) / (12 * count * (interval === 'week' ? 7 : 1));
}

function lessForever(subscription: Stripe.Subscription) {
	const recurring = subscription.items.data[0]?.price.recurring;
	return (left: number, discount: string | Stripe.Discount): number => {
		const coupon = typeof discount === 'string' ? null : discount.source.coupon;
		if (!coupon || typeof coupon === 'string' || coupon.duration !== 'forever') return left;
		if (coupon.percent_off !== null) return left * (1 - coupon.percent_off / 100);
		if (coupon.amount_off === null || !recurring) return left;
		return left - monthly(coupon.amount_off, recurring.interval, recurring.interval_count);
	};
}
