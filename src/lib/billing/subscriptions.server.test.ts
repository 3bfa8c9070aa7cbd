import { expect, it } from 'vitest';
import { adopt, aSignup, aSubscription, payFor } from '../../../tests/factories/billing.ts';
import { aCustomer } from '../../../tests/factories/customers.ts';
import { aPlan } from '../../../tests/factories/plans.ts';
import { listenToBilling, waitingJobs } from '../../../tests/setup/billing.ts';
import { testDatabase } from '../../../tests/setup/database.ts';
import { testQueue } from '../../../tests/setup/queue.ts';
import { testStripe } from '../../../tests/setup/stripe.ts';
import { HOUR } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { ensureStripePrice } from '#lib/plans/plans.server.ts';
import './jobs.server.ts';
import { refreshSubscription } from './refresh.server.ts';
import {
	cancelAtStripe,
	cancelSubscription,
	createInvoicedSubscription,
	delayNextCharge,
	isOwed,
	mirrorSubscription
} from './subscriptions.server.ts';

await testDatabase();
const stripe = await testStripe();
listenToBilling();
await testQueue({ work: false });
const { api } = stripe;

async function adopted(card?: string) {
	const paid = await payFor(stripe, await aSignup(), { card });
	return { paid, ...(await adopt(paid)) };
}
const row = (id: string) => db.subscription.findUniqueOrThrow({ where: { id } });
const told = (subscriptionId: string) =>
	waitingJobs<{ subscriptionId: string }>('provisioning.subscription-changed').then(
		(all) => all.filter((job) => job.subscriptionId === subscriptionId).length
	);

it('takes over what Checkout made, with its price, its period and its worth', async () => {
	const { paid, customer, subscription } = await adopted();
	expect(subscription).toMatchObject({
		status: 'active',
		stripeStatus: 'active',
		billingMode: 'stripe',
		amount: 4_900,
		mrr: 4_900,
		customerId: customer.id,
		planId: paid.signup.planId
	});
	expect(isOwed(subscription)).toBe(true);
	expect(subscription.currentPeriodEnd!.getTime()).toBeGreaterThan(Date.now());
	expect(await waitingJobs('billing.refresh-subscription')).toContainEqual({
		stripeSubscriptionId: paid.stripeSubscriptionId
	});
	await refreshSubscription(paid.stripeSubscriptionId);
	expect(await row(subscription.id)).toMatchObject({ paidThrough: subscription.currentPeriodEnd });
	expect(await db.invoice.findMany({ where: { customerId: customer.id } })).toMatchObject([
		{ status: 'paid', total: 4_900, amountPaid: 4_900, subscriptionId: subscription.id }
	]);
	expect(await told(subscription.id)).toBe(0);
});

it('is the same row when it is taken over again', async () => {
	const { paid, subscription } = await adopted();
	const again = await adopt(paid);
	expect(again.subscription.id).toBe(subscription.id);
	expect(await db.mrrMovement.count({ where: { subscriptionId: subscription.id } })).toBe(1);
});

it('follows its plan, its price and a coupon for ever', async () => {
	const { paid, subscription } = await adopted();
	const plan = await aPlan({ amount: 9_900 });
	const price = await ensureStripePrice(plan.prices[0]!.id);
	const atStripe = await api.subscriptions.retrieve(paid.stripeSubscriptionId);
	await api.subscriptions.update(atStripe.id, {
		items: [{ id: atStripe.items.data[0]!.id, price }],
		proration_behavior: 'none'
	});
	await mirrorSubscription(atStripe.id);
	expect(await row(subscription.id)).toMatchObject({ planId: plan.id, amount: 9_900, mrr: 9_900 });
	const coupon = await api.coupons.create({ percent_off: 10, duration: 'forever' });
	await api.subscriptions.update(atStripe.id, { discounts: [{ coupon: coupon.id }] });
	await mirrorSubscription(atStripe.id);
	expect((await row(subscription.id)).mrr).toBe(8_910);
	expect(await told(subscription.id)).toBe(0);
});

it('keeps a status that Stripe invents, shows it and guesses nothing', async () => {
	const { paid, subscription } = await adopted();
	const atStripe = stripe.server.account.get('subscriptions', paid.stripeSubscriptionId);
	Object.assign(atStripe, { status: 'hibernating' });
	await mirrorSubscription(paid.stripeSubscriptionId);
	expect(await row(subscription.id)).toMatchObject({
		stripeStatus: 'hibernating',
		status: 'active'
	});
});

it.each([
	['past_due', 'past_due', 4_900, true],
	['unpaid', 'suspended', 0, false],
	['canceled', 'cancelled', 0, false]
])('becomes %s as %s and says so once', async (theirs, ours, mrr, owed) => {
	const { paid, subscription } = await adopted();
	Object.assign(stripe.server.account.get('subscriptions', paid.stripeSubscriptionId), {
		status: theirs,
		...(theirs === 'canceled' && { ended_at: Math.floor(Date.now() / 1000) })
	});
	await mirrorSubscription(paid.stripeSubscriptionId);
	await mirrorSubscription(paid.stripeSubscriptionId);
	const after = await row(subscription.id);
	expect(after).toMatchObject({ status: ours, mrr });
	expect(isOwed(after)).toBe(owed);
	expect(await told(subscription.id)).toBe(1);
});

it('may go from any status to any other, and tells of each difference once', async () => {
	const { paid, subscription } = await adopted();
	const atStripe = stripe.server.account.get('subscriptions', paid.stripeSubscriptionId);
	const words = {
		incomplete: 'pending',
		trialing: 'active',
		active: 'active',
		past_due: 'past_due',
		unpaid: 'suspended',
		paused: 'suspended',
		canceled: 'cancelled',
		incomplete_expired: 'cancelled'
	};
	let before = 'active';
	let changes = 0;
	const entries = Object.entries(words);
	// From each to each, coming back in between.
	for (const from of entries) {
		for (const [to, ours] of entries.flatMap((next) => [from, next])) {
			Object.assign(atStripe, {
				status: to,
				ended_at: ours === 'cancelled' ? 1_790_000_000 : null
			});
			await mirrorSubscription(paid.stripeSubscriptionId);
			const after = await row(subscription.id);
			expect(after).toMatchObject({ stripeStatus: to, status: ours });
			const counts = to === 'active' || to === 'past_due';
			expect(after.mrr, to).toBe(counts ? 4_900 : 0);
			if (ours !== before) changes += 1;
			before = ours;
		}
	}
	expect(await told(subscription.id)).toBe(changes);
	const { _sum } = await db.mrrMovement.aggregate({
		where: { subscriptionId: subscription.id },
		_sum: { amount: true }
	});
	expect(_sum.amount).toBe((await row(subscription.id)).mrr);
});

it('counts a customer who comes back with a new subscription as reactivated', async () => {
	const { paid, customer } = await adopted();
	await cancelAtStripe(paid.stripeSubscriptionId, 'tests');
	const signup = await aSignup({ customerId: customer.id });
	await adopt(await payFor(stripe, signup));
	const moved = await db.mrrMovement.findMany({
		where: { customerId: customer.id },
		orderBy: [{ at: 'asc' }, { id: 'asc' }]
	});
	expect(moved.map(({ kind }) => kind)).toEqual(['new', 'churn', 'reactivation']);
});

it('ends a subscription once, also when the answer is lost or somebody was faster', async () => {
	const { paid, subscription } = await adopted();
	stripe.fault({ match: 'DELETE /v1/subscriptions', kind: 'reset', when: 'after' });
	await cancelAtStripe(paid.stripeSubscriptionId, 'tests');
	await cancelAtStripe(paid.stripeSubscriptionId, 'tests');
	expect(await row(subscription.id)).toMatchObject({ status: 'cancelled' });
	const invoices = await api.invoices.list({ subscription: paid.stripeSubscriptionId });
	expect(invoices.data).toHaveLength(1);
});

it('leaves the ending of a Stripe subscription to a job, and ends its own at once', async () => {
	const { paid, subscription } = await adopted();
	const cancel = (subscriptionId: string) =>
		transaction((tx) => cancelSubscription(tx, { subscriptionId, reason: 'instance deleted' }));
	await cancel(subscription.id);
	expect(await waitingJobs('billing.cancel-subscription')).toContainEqual({
		stripeSubscriptionId: paid.stripeSubscriptionId,
		reason: 'instance deleted'
	});
	expect((await row(subscription.id)).status).toBe('active');
	const own = await aSubscription();
	await cancel(own.id);
	expect(await row(own.id)).toMatchObject({ status: 'cancelled', mrr: 0 });
	expect(await told(own.id)).toBe(1);
});

it('moves the next charge by the time that the set-up took, once, and goes on counting it', async () => {
	const { paid, subscription } = await adopted();
	const end = (await row(subscription.id)).currentPeriodEnd!.getTime();
	stripe.fault({ match: 'POST /v1/subscriptions', kind: 'reset', when: 'after', times: 2 });
	await expect(delayNextCharge(subscription.id, 30 * HOUR)).rejects.toMatchObject({
		ambiguous: true
	});
	await delayNextCharge(subscription.id, 31 * HOUR);
	await delayNextCharge(subscription.id, 50 * HOUR);
	await mirrorSubscription(paid.stripeSubscriptionId);
	expect(await row(subscription.id)).toMatchObject({
		stripeStatus: 'trialing',
		status: 'active',
		mrr: 4_900,
		trialEnd: new Date(end + 30 * HOUR)
	});
});

it('bills without Stripe at plan price, or not at all with a reason', async () => {
	const plan = await aPlan({ amount: 12_000, interval: 'year' });
	const { id: customerId } = await aCustomer();
	const make = (billing: 'invoice' | 'free') =>
		transaction((tx) =>
			createInvoicedSubscription(tx, {
				customerId,
				plan,
				billing,
				reason: 'partner',
				interval: 'year'
			})
		);
	expect(await make('invoice')).toMatchObject({ status: 'active', amount: 12_000, mrr: 1_000 });
	expect(await make('free')).toMatchObject({ status: 'active', amount: 0, mrr: 0 });
	const { status } = await db.customer.findUniqueOrThrow({ where: { id: customerId } });
	expect(status).toBe('active');
});
