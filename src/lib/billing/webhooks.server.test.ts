import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, expect, it } from 'vitest';
import { adopt, aSignup, payFor, type PaidSignup } from '../../../tests/factories/billing.ts';
import { listenToBilling } from '../../../tests/setup/billing.ts';
import { testDatabase } from '../../../tests/setup/database.ts';
import { snapshot } from '../../../tests/setup/mirrors.ts';
import { eventually, testQueue } from '../../../tests/setup/queue.ts';
import { testStripe } from '../../../tests/setup/stripe.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { receiveStripeEvent } from './events.server.ts';
import './jobs.server.ts';
import { isSignupRefunded, refundSignup } from './refunds.server.ts';

const payments = new Map<string, PaidSignup>();
const told = listenToBilling(async (stripeSessionId) => {
	const paid = payments.get(stripeSessionId);
	if (paid) await adopt(paid);
});
// What the route does, without the framework around it.
const server = createServer((request, response) => {
	const chunks: Buffer[] = [];
	request.on('data', (chunk: Buffer) => chunks.push(chunk));
	request.on('end', () => {
		const signature = String(request.headers['stripe-signature']);
		void receiveStripeEvent(Buffer.concat(chunks), signature)
			.then(
				() => 200,
				() => 400
			)
			.then((status) => response.writeHead(status).end());
	});
});

await testDatabase();
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const { port } = server.address() as AddressInfo;
const stripe = await testStripe({ appUrl: `http://127.0.0.1:${port}` });
await testQueue({ work: true });
afterAll(() => server.close());

async function paid(): Promise<PaidSignup> {
	const signup = await aSignup();
	const payment = await payFor(stripe, signup);
	payments.set(payment.stripeSessionId, payment);
	return payment;
}

const ownerOf = async (payment: PaidSignup) =>
	(await db.signup.findUniqueOrThrow({ where: { id: payment.signup.id } })).customerId;

it('takes over what was paid when Stripe says so, though messages double, swap and get lost', async () => {
	stripe.kernel.faults.add({ target: 'webhook', kind: 'duplicate', match: 'checkout', times: 1 });
	stripe.kernel.faults.add({ target: 'webhook', kind: 'reorder', match: 'customer.sub', times: 1 });
	stripe.kernel.faults.add({
		target: 'webhook',
		kind: 'status',
		status: 500,
		match: 'invoice',
		times: 2
	});
	const payment = await paid();
	const customerId = await eventually(() => ownerOf(payment));
	const seen = await eventually(async () => {
		const state = await snapshot(customerId);
		return state.invoices[0]?.attempts.length && state.subscription.paidThrough && state;
	});
	expect(seen).toMatchObject({
		customer: 'active',
		subscription: { status: 'active', mrr: 4_900 },
		invoices: [{ status: 'paid', total: 4_900, ours: true, attempts: [['succeeded', 4_900]] }],
		movements: 4_900
	});
	expect(told.checkout).toContainEqual({
		stripeSessionId: payment.stripeSessionId,
		failed: false
	});
});

it('gives back by itself what was ordered, and says so when the bank has it', async () => {
	await stripe.control('/refunds/next', { status: 'pending' });
	const payment = await paid();
	const customerId = await eventually(() => ownerOf(payment));
	const subscription = await db.subscription.findUniqueOrThrow({
		where: { stripeSubscriptionId: payment.stripeSubscriptionId }
	});
	const signupId = payment.signup.id;
	await transaction((tx) =>
		refundSignup(tx, { signupId, customerId, subscriptionId: subscription.id, reason: 'tests' })
	);
	const refund = await eventually(() => db.refund.findFirst({ where: { signupId } }));
	expect(refund.status).toBe('pending');
	expect(await isSignupRefunded(db, signupId)).toBe(false);
	await stripe.control(`/refunds/${refund.stripeRefundId}/outcome`, { status: 'succeeded' });
	await eventually(() => isSignupRefunded(db, signupId));
	await eventually(async () => told.refunds.filter((one) => one.signupId === signupId).length >= 2);
	expect(told.subscriptions).toContain(subscription.id);
	expect((await snapshot(customerId)).refunds).toMatchObject([
		{ status: 'succeeded', amount: 4_900 }
	]);
});

it('gives the money back although Stripe is down for a while', async () => {
	const payment = await paid();
	const customerId = await eventually(() => ownerOf(payment));
	const subscription = await db.subscription.findUniqueOrThrow({
		where: { stripeSubscriptionId: payment.stripeSubscriptionId }
	});
	const signupId = payment.signup.id;
	stripe.fault({ match: '(POST|DELETE) /v1/', kind: 'status', status: 503, times: 2 });
	await transaction((tx) =>
		refundSignup(tx, { signupId, customerId, subscriptionId: subscription.id, reason: 'tests' })
	);
	await eventually(() => isSignupRefunded(db, signupId));
	expect((await snapshot(customerId)).refunds).toHaveLength(1);
});
