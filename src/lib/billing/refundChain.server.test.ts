import { beforeEach, describe, expect, it } from 'vitest';
import {
	adopt,
	aSignup,
	aSubscription,
	orderedRefund,
	orderRefund,
	payFor
} from '../../../tests/factories/billing.ts';
import { eventsOf, listenToBilling, waitingJobs } from '../../../tests/setup/billing.ts';
import { testDatabase } from '../../../tests/setup/database.ts';
import { testQueue } from '../../../tests/setup/queue.ts';
import { testStripe } from '../../../tests/setup/stripe.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import type { RefundOrder } from '#prisma/generated/client.ts';
import { catchUp } from './catchUp.server.ts';
import { keepEvent, processEvent } from './events.server.ts';
import './jobs.server.ts';
import { runRefundOrder } from './refundChain.server.ts';
import { isSignupRefunded, refundDuplicatePayment, signupRefundStatus } from './refunds.server.ts';

await testDatabase();
const stripe = await testStripe();
listenToBilling();
await testQueue({ work: false });

const account = stripe.server.account;
const { api } = stripe;

beforeEach(() => db.$executeRaw`DELETE FROM pgboss.job`);

const ordered = (card?: string, amount?: number) => orderedRefund(stripe, { card, amount });
const orderOf = (stripeSubscriptionId: string): Promise<RefundOrder> =>
	db.refundOrder.findUniqueOrThrow({ where: { stripeSubscriptionId } });
const statusOf = async (id: string) =>
	(await db.refundOrder.findUniqueOrThrow({ where: { id } })).status;
const refundsOf = (stripeCustomerId: string) =>
	account.all('refunds').filter(({ customer }) => customer === stripeCustomerId);
const openAlerts = (orderId: string) =>
	db.alert.findMany({ where: { subjectId: orderId, closedAt: null }, select: { rule: true } });

async function intentOf(stripeSubscriptionId: string): Promise<string> {
	const [invoice] = (await api.invoices.list({ subscription: stripeSubscriptionId })).data;
	const [payment] = (await api.invoicePayments.list({ invoice: invoice!.id })).data;
	return String(payment!.payment.payment_intent);
}

/** Does what Stripe's webhooks of a change, and the jobs that they queue, do. */
async function whileListening(change: () => Promise<unknown>): Promise<void> {
	const since = eventsOf(stripe).length;
	await change();
	for (const event of eventsOf(stripe).slice(since)) {
		await transaction((tx) => keepEvent(tx, event));
		await processEvent(event.id);
	}
	const waiting = await waitingJobs<{ orderId: string }>('billing.refund-signup');
	await db.$executeRaw`DELETE FROM pgboss.job WHERE name = 'billing.refund-signup'`;
	for (const { orderId } of waiting) await runRefundOrder(orderId);
}

describe('the chain', () => {
	it('cancels, gives everything back once, and says so only then', async () => {
		const { signup, paid, orderId } = await ordered();
		expect(await isSignupRefunded(db, signup.id)).toBe(false);
		await runRefundOrder(orderId);
		expect(account.find('subscriptions', paid.stripeSubscriptionId)?.status).toBe('canceled');
		expect(refundsOf(paid.stripeCustomerId)).toMatchObject([
			{ amount: 4_900, status: 'succeeded' }
		]);
		expect(await isSignupRefunded(db, signup.id)).toBe(true);
		const refund = await db.refund.findFirstOrThrow({ where: { signupId: signup.id } });
		expect(refund).toMatchObject({ amount: 4_900, status: 'succeeded', reason: 'no capacity' });
		expect(await waitingJobs('provisioning.refund-changed')).toEqual([
			{ signupId: signup.id, refundId: refund.id }
		]);
		expect(
			await db.creditNote.findMany({ where: { customerId: refund.customerId } })
		).toMatchObject([{ amount: 4_900, status: 'issued', invoiceId: refund.invoiceId }]);
		const calls = await db.vendorCall.findMany({
			where: { subjectId: signup.id, status: 'succeeded' }
		});
		expect(calls.map(({ operation, key }) => [operation, key])).toContainEqual([
			'creditNotes.create',
			`refund:${signup.id}`
		]);
	});

	it('leaves the customer inactive and the MRR where it was', async () => {
		const { customer, orderId } = await ordered();
		await runRefundOrder(orderId);
		const { status } = await db.customer.findUniqueOrThrow({ where: { id: customer.id } });
		expect(status).toBe('inactive');
		const moved = await db.mrrMovement.findMany({ where: { customerId: customer.id } });
		expect(moved.map(({ kind, amount }) => [kind, amount])).toEqual([
			['new', 4_900],
			['churn', -4_900]
		]);
	});

	it('gives back once, however often it is ordered and run at the same time', async () => {
		const { signup, subscription, paid, orderId } = await ordered();
		await orderRefund(signup.id, subscription);
		const runs = await Promise.allSettled([1, 2, 3].map(() => runRefundOrder(orderId)));
		expect(runs.some(({ status }) => status === 'fulfilled')).toBe(true);
		await runRefundOrder(orderId);
		expect(refundsOf(paid.stripeCustomerId)).toHaveLength(1);
		expect(await db.refundOrder.count({ where: { signupId: signup.id } })).toBe(1);
		expect(await statusOf(orderId)).toBe('succeeded');
	});

	it('gives back only what is left when somebody has given back a part', async () => {
		const { paid, orderId } = await ordered();
		await api.refunds.create({
			payment_intent: await intentOf(paid.stripeSubscriptionId),
			amount: 900
		});
		await runRefundOrder(orderId);
		expect(
			refundsOf(paid.stripeCustomerId)
				.map(({ amount }) => amount)
				.toSorted()
		).toEqual([4_000, 900]);
		expect(await statusOf(orderId)).toBe('succeeded');
	});

	it('gives nothing back when nothing was paid', async () => {
		const { signup, paid, orderId } = await ordered('4242424242424242', 0);
		await runRefundOrder(orderId);
		expect(refundsOf(paid.stripeCustomerId)).toEqual([]);
		expect(await statusOf(orderId)).toBe('nothing');
		expect(await isSignupRefunded(db, signup.id)).toBe(true);
		expect(await waitingJobs('provisioning.refund-changed')).toEqual([
			{ signupId: signup.id, refundId: null }
		]);
	});

	it('only ends a subscription that Stripe does not bill', async () => {
		const subscription = await aSubscription();
		const signup = await aSignup({ customerId: subscription.customerId });
		await orderRefund(signup.id, subscription);
		expect(await isSignupRefunded(db, signup.id)).toBe(true);
		const row = await db.subscription.findUniqueOrThrow({ where: { id: subscription.id } });
		expect(row.status).toBe('cancelled');
	});
});

describe('a refund that takes its time', () => {
	it('is shown as pending until the bank has it', async () => {
		await stripe.control('/refunds/next', { status: 'pending' });
		const { signup, paid, orderId } = await ordered();
		await runRefundOrder(orderId);
		expect(await signupRefundStatus(db, signup.id)).toBe('pending');
		expect(await isSignupRefunded(db, signup.id)).toBe(false);
		const [refund] = refundsOf(paid.stripeCustomerId);
		await whileListening(() =>
			stripe.control(`/refunds/${refund!.id}/outcome`, { status: 'succeeded' })
		);
		expect(await isSignupRefunded(db, signup.id)).toBe(true);
		expect(await openAlerts(orderId)).toEqual([]);
	});

	it.each([['pending'], ['succeeded']])(
		'opens an alert when it was %s and bounces',
		async (first) => {
			await stripe.control('/refunds/next', { status: first });
			const { signup, paid, orderId } = await ordered();
			await runRefundOrder(orderId);
			const [refund] = refundsOf(paid.stripeCustomerId);
			await whileListening(() =>
				stripe.control(`/refunds/${refund!.id}/outcome`, { status: 'failed' })
			);
			expect(await signupRefundStatus(db, signup.id)).toBe('failed');
			expect(await isSignupRefunded(db, signup.id)).toBe(false);
			expect(await openAlerts(orderId)).toEqual([{ rule: 'billing.refund-failed' }]);
			// Where the money should go now is for a person to find out.
			await runRefundOrder(orderId);
			expect(refundsOf(paid.stripeCustomerId)).toHaveLength(1);
			expect((await waitingJobs('provisioning.refund-changed')).length).toBe(2);
		}
	);

	it('is done when staff have sent the money another time', async () => {
		await stripe.control('/refunds/next', { status: 'failed' });
		const { paid, orderId } = await ordered();
		await runRefundOrder(orderId);
		expect(await statusOf(orderId)).toBe('failed');
		const payment_intent = await intentOf(paid.stripeSubscriptionId);
		await whileListening(() => api.refunds.create({ payment_intent }));
		expect(await statusOf(orderId)).toBe('succeeded');
		expect(await openAlerts(orderId)).toEqual([]);
	});

	it('is an alert when it takes too long', async () => {
		await stripe.control('/refunds/next', { status: 'pending' });
		const { orderId } = await ordered();
		await runRefundOrder(orderId);
		const dueSince = new Date(Date.now() - 25 * 3_600_000);
		await db.refundOrder.update({ where: { id: orderId }, data: { dueSince } });
		await catchUp();
		expect(await openAlerts(orderId)).toEqual([{ rule: 'billing.refund-late' }]);
		expect(await waitingJobs('billing.refund-signup')).toContainEqual({ orderId });
	});
});

describe('a payment that takes its time', () => {
	it.each([
		['arrives after all', 'succeeded', 'succeeded', 1],
		['never arrives', 'failed', 'nothing', 0]
	])('%s', async (_, outcome, expected, count) => {
		const { paid, orderId } = await ordered('bank');
		await runRefundOrder(orderId);
		expect(await statusOf(orderId)).toBe('waiting_payment');
		await whileListening(() =>
			stripe.control(`/checkout/${paid.stripeSessionId}/async`, { outcome })
		);
		expect(await statusOf(orderId)).toBe(expected);
		expect(refundsOf(paid.stripeCustomerId)).toHaveLength(count);
		const open = account
			.all('invoices')
			.filter((row) => row.customer === paid.stripeCustomerId && row.status === 'open');
		expect(open).toEqual([]);
	});
});

describe('a disputed payment', () => {
	it('waits for the bank, and is settled when the bank gives the money back', async () => {
		const { signup, subscription, paid, orderId } = await ordered();
		const payment_intent = await intentOf(paid.stripeSubscriptionId);
		let dispute = '';
		await whileListening(async () => {
			dispute = String((await stripe.control('/disputes', { payment_intent })).id);
		});
		const row = await db.subscription.findUniqueOrThrow({ where: { id: subscription.id } });
		expect(row.disputedAt).not.toBeNull();
		await runRefundOrder(orderId);
		expect(await statusOf(orderId)).toBe('waiting_dispute');
		await whileListening(() => stripe.control(`/disputes/${dispute}/close`, { status: 'lost' }));
		expect(await statusOf(orderId)).toBe('charged_back');
		expect(await isSignupRefunded(db, signup.id)).toBe(true);
		expect(refundsOf(paid.stripeCustomerId)).toEqual([]);
	});
});

describe('a second payment of one signup', () => {
	it('is cancelled and given back, and the first stays', async () => {
		const signup = await aSignup();
		const first = await payFor(stripe, signup);
		const { customer } = await adopt(first);
		const second = await payFor(stripe, signup, { attempt: 2 });
		const { stripeSubscriptionId } = second;
		await transaction((tx) =>
			refundDuplicatePayment(tx, { signupId: signup.id, stripeSubscriptionId })
		);
		const row = await orderOf(stripeSubscriptionId);
		await runRefundOrder(row.id);
		expect(await statusOf(row.id)).toBe('succeeded');
		expect(account.find('subscriptions', stripeSubscriptionId)?.status).toBe('canceled');
		expect(account.find('subscriptions', first.stripeSubscriptionId)?.status).toBe('active');
		expect(refundsOf(second.stripeCustomerId)).toHaveLength(1);
		expect(refundsOf(first.stripeCustomerId)).toEqual([]);
		expect(await db.refund.findMany({ where: { customerId: customer.id } })).toMatchObject([
			{ signupId: null, status: 'succeeded' }
		]);
		expect(await isSignupRefunded(db, signup.id)).toBe(false);
		expect(await waitingJobs('provisioning.refund-changed')).toEqual([]);
	});

	it('is never the first one', async () => {
		const signup = await aSignup();
		const { stripeSubscriptionId } = await payFor(stripe, signup);
		const refuse = () =>
			transaction((tx) =>
				refundDuplicatePayment(tx, { signupId: signup.id, stripeSubscriptionId })
			);
		await expect(refuse()).rejects.toMatchObject({ code: 'WRONG_STATE' });
		expect(await db.refundOrder.count({ where: { signupId: signup.id } })).toBe(0);
	});
});
