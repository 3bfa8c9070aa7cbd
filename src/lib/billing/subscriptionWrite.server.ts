import type Stripe from 'stripe';
import { now } from '#lib/core/clock.server.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { publish } from '#lib/core/live.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import { audit, SYSTEM } from '#lib/logs/audit.server.ts';
import { refreshStatus } from '#lib/customers/customers.server.ts';
import type { CouponDuration, Subscription } from '#prisma/generated/client.ts';
import { idOf } from './checkout.server.ts';
import { followCase } from './dunningCases.server.ts';
import { recordMovement } from './movements.server.ts';
import { isOwed, mrrOf, statusOf } from './subscriptionStates.ts';

/** A subscription as Stripe has it, with the schedule that will change it. */
export interface AtStripe {
	subscription: Stripe.Subscription;
	schedule: Stripe.SubscriptionSchedule | null;
}

/** Writes what Stripe says over our row, with everything that follows from the difference. */
export async function writeSubscription(
	tx: Tx,
	id: string,
	{ subscription, schedule }: AtStripe
): Promise<void> {
	await tx.$queryRaw`SELECT id FROM subscriptions WHERE id = ${id}::uuid FOR UPDATE`;
	const before = await tx.subscription.findUniqueOrThrow({ where: { id } });
	const columns = await columnsOf(tx, subscription, before);
	const row = await tx.subscription.update({
		where: { id },
		data: { ...columns, ...(await scheduledOf(tx, schedule)) }
	});
	await writeDiscounts(tx, row, subscription);
	await afterChange(tx, before, row, mrrOf(subscription));
}

/** What we keep of our row when Stripe says what we do not know, and what only we say. */
export type Ours = Pick<Subscription, 'status' | 'planId' | 'pastDueSince' | 'dunningSuspendedAt'>;

export const NOTHING_YET = {
	status: 'pending',
	pastDueSince: null,
	dunningSuspendedAt: null
} as const;

/** What of a Stripe subscription we keep. */
export async function columnsOf(tx: Tx, subscription: Stripe.Subscription, ours: Ours) {
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
	const late = subscription.status === 'past_due' || subscription.status === 'unpaid';
	// What dunning did ends with what it was for.
	const dunningSuspendedAt = late ? ours.dunningSuspendedAt : null;
	const dunning = { suspended: dunningSuspendedAt !== null };
	const status = statusOf(subscription.status, dunning) ?? ours.status;
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
		stripePaymentMethodId: idOf(subscription.default_payment_method),
		trialStart: moment(subscription.trial_start),
		trialEnd: moment(subscription.trial_end),
		pastDueSince: late ? (ours.pastDueSince ?? now()) : null,
		dunningSuspendedAt,
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
	const worth = inForce ? mrr : 0;
	const at = before?.mrr === worth ? now() : await sinceWhen(tx, before, row);
	await recordMovement(tx, row, worth, at, { inForce });
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
	if (before && (before.planId !== row.planId || before.quantity !== row.quantity))
		await tellInstances(tx, row);
	await followCase(tx, row);
}

/**
 * Since when a subscription is what it is now: the moment that was planned or that Stripe says, because we may hear of it
 * much later, in another month even; now, where nobody says. Never in our future, and never before what was noted last.
 */
async function sinceWhen(tx: Tx, before: Subscription | null, row: Subscription): Promise<Date> {
	const at = now();
	const said = before && momentOfChange(before, row);
	if (!said || said >= at) return at;
	const { _max } = await tx.mrrMovement.aggregate({
		where: { customerId: row.customerId, subscriptionId: row.id },
		_max: { at: true }
	});
	return _max.at && _max.at > said ? _max.at : said;
}

function momentOfChange(before: Subscription, row: Subscription): Date | null {
	if (row.status === 'cancelled') return row.cancelledAt;
	if (before.stripeStatus === 'trialing' && row.stripeStatus !== 'trialing') return row.trialEnd;
	// What was scheduled is in force.
	return row.scheduledAt?.getTime() === before.scheduledAt?.getTime() ? null : before.scheduledAt;
}

/** Lets the instances that it pays for look at what its plan gives them. */
export async function tellInstances(
	tx: Tx,
	row: Pick<Subscription, 'id' | 'customerId'>
): Promise<void> {
	const tenants = await tx.tenant.findMany({
		where: {
			customerId: row.customerId,
			subscriptionId: row.id,
			status: { notIn: ['deleted', 'refunded'] }
		},
		select: { id: true }
	});
	for (const { id } of tenants)
		await enqueue(tx, 'provisioning.apply-plan', { tenantId: id }, { key: id });
}

/** What a schedule leads to after the phase that runs. */
async function scheduledOf(tx: Tx, schedule: Stripe.SubscriptionSchedule | null) {
	const nothing = {
		stripeScheduleId: schedule?.id ?? null,
		scheduledPlanId: null,
		scheduledQuantity: null,
		scheduledAt: null
	};
	const next = schedule?.phases.find(
		(phase) => phase.start_date >= (schedule.current_phase?.end_date ?? Infinity)
	);
	const [item] = next?.items ?? [];
	if (!next || !item) return nothing;
	const price = await tx.planPrice.findUnique({
		where: { stripePriceId: idOf(item.price) ?? '' },
		select: { planId: true }
	});
	return {
		...nothing,
		scheduledPlanId: price?.planId ?? null,
		scheduledQuantity: item.quantity ?? 1,
		scheduledAt: moment(next.start_date)
	};
}

async function writeDiscounts(
	tx: Tx,
	row: Subscription,
	subscription: Stripe.Subscription
): Promise<void> {
	const discounts = subscription.discounts.flatMap((discount) => {
		const coupon = typeof discount === 'string' ? null : discount.source.coupon;
		return typeof discount === 'string' || !coupon || typeof coupon === 'string'
			? []
			: [{ discount, coupon }];
	});
	await tx.subscriptionDiscount.deleteMany({
		where: {
			subscriptionId: row.id,
			stripeDiscountId: { notIn: discounts.map(({ discount }) => discount.id) }
		}
	});
	for (const { discount, coupon } of discounts) {
		const columns = {
			stripeCouponId: coupon.id,
			name: coupon.name ?? coupon.id,
			percentBasisPoints: coupon.percent_off === null ? null : Math.round(coupon.percent_off * 100),
			amount: coupon.amount_off,
			currency: coupon.currency,
			duration: coupon.duration as CouponDuration,
			startsAt: moment(discount.start) ?? now(),
			endsAt: moment(discount.end)
		};
		await tx.subscriptionDiscount.upsert({
			where: {
				subscriptionId_stripeDiscountId: {
					subscriptionId: row.id,
					stripeDiscountId: discount.id
				}
			},
			create: {
				customerId: row.customerId,
				subscriptionId: row.id,
				stripeDiscountId: discount.id,
				...columns
			},
			update: columns
		});
	}
}

/** @param seconds unix seconds, as Stripe writes time */
export function moment(seconds: number | null | undefined): Date | null {
	return seconds === null || seconds === undefined ? null : new Date(seconds * 1000);
}
