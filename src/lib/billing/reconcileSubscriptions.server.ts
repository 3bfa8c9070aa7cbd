import type Stripe from 'stripe';
import { db, transaction } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { enqueue } from '#lib/core/queue.server.ts';

import { stripeClient } from '#lib/settings/clients.server.ts';
import type { Subscription } from '#prisma/generated/client.ts';
import { defineRepair, type Found } from '../logs/drifts.server.ts';
import { idOf } from './checkout.server.ts';
import type { Comparison } from './reconcile.server.ts';
import { eachAtStripe, eachOfOurs, exists } from './reconcileWalk.server.ts';
import { causeOf, differing } from './reconcileCause.server.ts';
import { refreshSubscription } from './refresh.server.ts';
import { readAtStripe } from './subscriptions.server.ts';
import { columnsOf } from './subscriptionWrite.server.ts';

/** Subscriptions that Stripe has otherwise than we, that only Stripe has, and that only we have. */
export const compareSubscriptions: Comparison = async (tell) => {
	const client = await stripeClient();
	const seen = await eachAtStripe(client.pages.subscriptions, async (page) =>
		tell(await comparePage(page))
	);
	await eachOfOurs(
		(after, take) =>
			db.subscription.findMany({
				where: {
					stripeSubscriptionId: { not: null },
					status: { not: 'cancelled' },
					...(after && { id: { gt: after } })
				},
				orderBy: { id: 'asc' },
				take,
				select: { id: true, customerId: true, stripeSubscriptionId: true, status: true }
			}),
		async (rows) => {
			const gone: Found[] = [];
			for (const { id, customerId, stripeSubscriptionId, status } of rows) {
				const theirs = stripeSubscriptionId!;
				if (seen.has(theirs)) continue;
				if (await exists(() => client.subscriptions.retrieve(theirs))) continue;
				gone.push({
					kind: 'billing.subscription-missing',
					subjectType: 'subscription',
					subjectId: id,
					customerId,
					ours: { status, stripe_subscription_id: theirs },
					cause: 'deleted-at-stripe'
				});
			}
			await tell(gone);
		}
	);
	return seen.size;
};

async function comparePage(page: Stripe.Subscription[]): Promise<Found[]> {
	const rows = await db.subscription.findMany({
		where: { stripeSubscriptionId: { in: page.map(({ id }) => id) } }
	});
	const orders = await db.refundOrder.findMany({
		where: { stripeSubscriptionId: { in: page.map(({ id }) => id) } },
		select: { stripeSubscriptionId: true }
	});
	const found: Found[] = [];
	for (const theirs of page) {
		const ours = rows.find(({ stripeSubscriptionId }) => stripeSubscriptionId === theirs.id);
		if (ours) {
			const one = await differs(ours, theirs);
			if (one) found.push(one);
			continue;
		}
		// A second payment of a signup is cancelled and given back without becoming a subscription of ours.
		const known = orders.some(({ stripeSubscriptionId }) => stripeSubscriptionId === theirs.id);
		if (!known && theirs.status !== 'canceled' && theirs.status !== 'incomplete_expired')
			found.push(await unknown(theirs));
	}
	return found;
}

async function unknown(theirs: Stripe.Subscription): Promise<Found> {
	const stripeCustomerId = idOf(theirs.customer);
	const customer = stripeCustomerId
		? await db.customer.findUnique({ where: { stripeCustomerId }, select: { id: true } })
		: null;
	const { signup_id: signupId } = theirs.metadata;
	return {
		kind: 'billing.subscription-unknown',
		subjectType: 'stripe-subscription',
		subjectId: theirs.id,
		customerId: customer?.id ?? null,
		theirs: { status: theirs.status, signup: signupId ?? null, customer: stripeCustomerId },
		cause: signupId ? 'event-missed' : 'made-at-stripe'
	};
}

/** Looks a second time before it says so: a webhook may have come between the two readings. */
async function differs(before: Subscription, theirs: Stripe.Subscription): Promise<Found | null> {
	if (!(await compare(before, theirs))) return null;
	const ours = await db.subscription.findUniqueOrThrow({ where: { id: before.id } });
	const { subscription } = await readAtStripe(theirs.id);
	const differences = await compare(ours, subscription);
	if (!differences) return null;
	return {
		kind: 'billing.subscription-differs',
		subjectType: 'subscription',
		subjectId: ours.id,
		customerId: ours.customerId,
		...differences,
		cause: await causeOf(db, idOf(subscription.customer), subscription.id)
	};
}

async function compare(ours: Subscription, theirs: Stripe.Subscription) {
	const wanted = await columnsOf(db, theirs, ours);
	const { status, stripeStatus, planId, amount, interval, quantity, currency } = wanted;
	const { currentPeriodEnd, cancelAt, trialEnd } = wanted;
	const facts = { status, stripeStatus, planId, amount, interval, quantity, currency };
	return differing({ ...ours }, { ...facts, currentPeriodEnd, cancelAt, trialEnd });
}

defineRepair('billing.subscription-differs', async ({ subjectId }) => {
	const { stripeSubscriptionId } = await db.subscription.findUniqueOrThrow({
		where: { id: subjectId }
	});
	if (stripeSubscriptionId) await refreshSubscription(stripeSubscriptionId);
	return 'done';
});

/** One that a signup paid for is taken over as its missed event would have done. */
defineRepair('billing.subscription-unknown', async ({ subjectId }) => {
	const client = await stripeClient();
	const subscription = await client.subscriptions.retrieve(subjectId);
	const session = await db.checkoutSession.findFirst({
		where: {
			signupId: subscription.metadata.signup_id ?? undefined,
			stripeSessionId: { not: null }
		},
		orderBy: { attempt: 'desc' }
	});
	if (!subscription.metadata.signup_id || !session?.stripeSessionId)
		throw new AppError('BY_HAND', { detail: 'no signup of ours paid for it' });
	const { stripeSessionId } = session;
	await transaction((tx) =>
		enqueue(tx, 'provisioning.checkout-changed', { stripeSessionId, failed: false })
	);
	return 'asked';
});
