import fc from 'fast-check';
import type Stripe from 'stripe';
import { expect, it } from 'vitest';
import { adopt, aSignup, payFor, type PaidSignup } from '../../../tests/factories/billing.ts';
import { aPlan } from '../../../tests/factories/plans.ts';
import { eventsOf, listenToBilling } from '../../../tests/setup/billing.ts';
import { testDatabase } from '../../../tests/setup/database.ts';
import { forgetMirrors, snapshot } from '../../../tests/setup/mirrors.ts';
import { testQueue } from '../../../tests/setup/queue.ts';
import { testStripe } from '../../../tests/setup/stripe.ts';
import { ensureStripePrice } from '#lib/plans/plans.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { keepEvent, processEvent } from './events.server.ts';
import './jobs.server.ts';
import { refreshSubscription } from './refresh.server.ts';

await testDatabase();
const stripe = await testStripe();
listenToBilling();
await testQueue({ work: false });

const eventsAbout = (since: number) => eventsOf(stripe).slice(since);
const { api } = stripe;

/**
 * A life with everything: paid, upgraded, discounted, with another card, a downgrade that was taken back, partly refunded,
 * disputed and won, cancelled.
 */
async function life(): Promise<{ paid: PaidSignup; events: Stripe.Event[] }> {
	const since = eventsOf(stripe).length;
	const paid = await payFor(stripe, await aSignup());
	const [invoice] = (await api.invoices.list({ subscription: paid.stripeSubscriptionId })).data;
	await change(paid);
	await stripe.control('/refunds/next', { status: 'pending' });
	const note = await api.creditNotes.create({
		invoice: invoice!.id,
		amount: 1_000,
		refund_amount: 1_000
	});
	const refund = note.refunds[0]!.refund;
	await stripe.control(`/refunds/${String(refund)}/outcome`, { status: 'succeeded' });
	await stripe.control(`/refunds/${String(refund)}/outcome`, { status: 'failed' });
	const [payment] = (await api.invoicePayments.list({ invoice: invoice!.id })).data;
	const dispute = await stripe.control('/disputes', {
		payment_intent: payment!.payment.payment_intent
	});
	await stripe.control(`/disputes/${String(dispute.id)}/close`, { status: 'won' });
	await api.subscriptions.update(paid.stripeSubscriptionId, { cancel_at_period_end: true });
	await api.subscriptions.update(paid.stripeSubscriptionId, { cancel_at_period_end: false });
	await api.subscriptions.cancel(paid.stripeSubscriptionId);
	return { paid, events: eventsAbout(since) };
}

/** What customers and staff change of a subscription, here or at Stripe. */
async function change({ stripeSubscriptionId, stripeCustomerId }: PaidSignup): Promise<void> {
	const { prices } = await aPlan({ amount: 9_900 });
	const price = await ensureStripePrice(prices[0]!.id);
	const { items } = await api.subscriptions.retrieve(stripeSubscriptionId);
	const coupon = await api.coupons.create({ percent_off: 10, duration: 'forever' });
	await api.subscriptions.update(stripeSubscriptionId, {
		items: [{ id: items.data[0]!.id, price, quantity: 2 }],
		proration_behavior: 'always_invoice'
	});
	await api.subscriptions.update(stripeSubscriptionId, { discounts: [{ coupon: coupon.id }] });
	const card = await api.paymentMethods.attach('pm_card_mastercard', {
		customer: stripeCustomerId
	});
	await api.customers.update(stripeCustomerId, {
		invoice_settings: { default_payment_method: card.id }
	});
	const schedule = await api.subscriptionSchedules.create({
		from_subscription: stripeSubscriptionId
	});
	await api.subscriptionSchedules.release(schedule.id);
}

it('ends in the same state', { timeout: 120_000 }, async () => {
	const { paid, events } = await life();
	for (const event of events) await transaction((tx) => keepEvent(tx, event));
	const { customer } = await adopt(paid);
	await refreshSubscription(paid.stripeSubscriptionId);
	const expected = await snapshot(customer.id);
	expect(expected).toMatchObject({
		customer: 'inactive',
		subscription: { status: 'cancelled', mrr: 0, disputed: false },
		refunds: [{ status: 'failed', amount: 1_000 }],
		disputes: [{ status: 'won' }],
		movements: 0
	});
	expect(expected.invoices).toHaveLength(2);
	expect(expected).toMatchObject({ discounts: [[expect.any(String), 'forever']] });
	expect(expected.cards).toHaveLength(2);

	await fc.assert(
		fc.asyncProperty(
			fc.shuffledSubarray(events, { minLength: events.length }),
			fc.array(fc.nat(events.length - 1), { maxLength: 10 }),
			fc.nat(events.length),
			async (order, replays, adoptedAt) => {
				await forgetMirrors(paid.signup.id);
				const sequence = [...order, ...replays.map((index) => events[index]!)];
				let owner = '';
				for (const [turn, event] of sequence.entries()) {
					if (turn === adoptedAt) owner = (await adoptAndRefresh(paid)) ?? '';
					await db.stripeEvent.update({
						where: { eventId: event.id },
						data: { processed: false }
					});
					await processEvent(event.id);
				}
				if (!owner) owner = await adoptAndRefresh(paid);
				expect(await snapshot(owner)).toEqual(expected);
			}
		),
		{ numRuns: 5 }
	);
});

it('ends in the same state when events of one moment are worked on side by side', async () => {
	const { paid, events } = await life();
	for (const event of events) await transaction((tx) => keepEvent(tx, event));
	const { customer } = await adopt(paid);
	await Promise.all([
		...events.map((event) => processEvent(event.id)),
		refreshSubscription(paid.stripeSubscriptionId)
	]);
	expect(await snapshot(customer.id)).toMatchObject({
		customer: 'inactive',
		subscription: { status: 'cancelled', mrr: 0, disputed: false },
		refunds: [{ status: 'failed' }],
		disputes: [{ status: 'won' }],
		movements: 0
	});
});

async function adoptAndRefresh(paid: PaidSignup): Promise<string> {
	const { customer } = await adopt(paid);
	// The job that the adoption has queued.
	await refreshSubscription(paid.stripeSubscriptionId);
	return customer.id;
}

type Act = (paid: PaidSignup) => Promise<unknown>;

/** What may happen to a subscription between two webhooks. What Stripe refuses then has not happened. */
const ACTS: Record<string, Act> = {
	dispute: async (paid) =>
		stripe.control('/disputes', { payment_intent: await intentOf(paid.stripeSubscriptionId) }),
	win: (paid) => closeDisputes(paid, 'won'),
	lose: (paid) => closeDisputes(paid, 'lost'),
	refund: async (paid) =>
		api.refunds.create({ payment_intent: await intentOf(paid.stripeSubscriptionId), amount: 700 }),
	bounce: async (paid) => {
		const refunds = stripe.server.account.all('refunds');
		const refund = refunds.find(
			({ customer, status }) => customer === paid.stripeCustomerId && status !== 'failed'
		);
		if (refund) await stripe.control(`/refunds/${refund.id}/outcome`, { status: 'failed' });
	},
	schedule: (paid) =>
		api.subscriptions.update(paid.stripeSubscriptionId, { cancel_at_period_end: true }),
	resume: (paid) =>
		api.subscriptions.update(paid.stripeSubscriptionId, { cancel_at_period_end: false }),
	seats: async (paid) => {
		const { items } = await api.subscriptions.retrieve(paid.stripeSubscriptionId);
		const quantity = (items.data[0]!.quantity ?? 1) + 1;
		await api.subscriptions.update(paid.stripeSubscriptionId, {
			items: [{ id: items.data[0]!.id, quantity }],
			proration_behavior: 'always_invoice'
		});
	},
	cancel: (paid) => api.subscriptions.cancel(paid.stripeSubscriptionId)
};

it(
	'ends in what Stripe says, whenever and in whatever order its messages come',
	{ timeout: 120_000 },
	async () => {
		const act = fc.record({ name: fc.constantFrom(...Object.keys(ACTS)), late: fc.nat(5) });
		await fc.assert(
			fc.asyncProperty(
				fc.array(act, { minLength: 1, maxLength: 6 }),
				fc.nat(6),
				fc.infiniteStream(fc.nat(1_000)),
				async (acts, adoptedAt, dice) => {
					const roll = (sides: number) => Number(dice.next().value) % sides;
					let seen = eventsOf(stripe).length;
					const undelivered: string[] = [];
					const note = async () => {
						for (const event of eventsAbout(seen)) {
							await transaction((tx) => keepEvent(tx, event));
							undelivered.push(event.id);
						}
						seen = eventsOf(stripe).length;
					};
					const deliver = async (count: number) => {
						for (let turn = 0; turn < count && undelivered.length > 0; turn++)
							await processEvent(undelivered.splice(roll(undelivered.length), 1)[0]!);
					};
					const paid = await payFor(stripe, await aSignup());
					for (const [turn, { name, late }] of acts.entries()) {
						if (turn === adoptedAt) await adoptAndRefresh(paid);
						await ACTS[name]!(paid).catch(() => undefined);
						await note();
						await deliver(late);
					}
					const owner = await adoptAndRefresh(paid);
					await deliver(undelivered.length);
					const lived = await snapshot(owner);

					await forgetMirrors(paid.signup.id);
					const learned = await snapshot(await adoptAndRefresh(paid));
					expect(lived).toEqual(learned);
					expect(lived.movements).toBe(lived.subscription.mrr);
				}
			),
			{ numRuns: 8 }
		);
	}
);

async function intentOf(stripeSubscriptionId: string): Promise<string> {
	const invoices = await api.invoices.list({ subscription: stripeSubscriptionId });
	const [payment] = (await api.invoicePayments.list({ invoice: invoices.data.at(-1)!.id })).data;
	return String(payment!.payment.payment_intent);
}

async function closeDisputes(paid: PaidSignup, status: 'won' | 'lost'): Promise<void> {
	const payment_intent = await intentOf(paid.stripeSubscriptionId);
	for (const { id } of (await api.disputes.list({ payment_intent })).data)
		await stripe.control(`/disputes/${id}/close`, { status });
}
