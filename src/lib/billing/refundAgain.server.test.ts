import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { orderedRefund } from '../../../tests/factories/billing.ts';
import { eventsOf, listenToBilling, waitingJobs } from '../../../tests/setup/billing.ts';
import { testDatabase } from '../../../tests/setup/database.ts';
import { testQueue } from '../../../tests/setup/queue.ts';
import { testStripe } from '../../../tests/setup/stripe.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { SYSTEM } from '#lib/logs/audit.server.ts';
import { catchUp } from './catchUp.server.ts';
import { keepEvent, processEvent } from './events.server.ts';
import './jobs.server.ts';
import { refundOrderPage, sendRefundAgain } from './refundAgain.server.ts';
import { runRefundOrder } from './refundChain.server.ts';
import { isSignupRefunded } from './refunds.server.ts';

await testDatabase();
const stripe = await testStripe();
listenToBilling();
await testQueue({ work: false });

const refundsOf = (stripeCustomerId: string) =>
	stripe.server.account.all('refunds').filter(({ customer }) => customer === stripeCustomerId);
const openAlerts = (orderId: string) =>
	db.alert.findMany({ where: { subjectId: orderId, closedAt: null }, select: { rule: true } });
const FAILED = [{ rule: 'billing.refund-failed' }];

/** Events that came already, and those of the tests before. */
const heard = new Set<string>();
beforeEach(() => eventsOf(stripe).forEach(({ id }) => heard.add(id)));

/** What the jobs in the queue do, and the webhooks of everything that happened at Stripe since it was last listened to. */
async function listen(): Promise<void> {
	for (const event of eventsOf(stripe).filter(({ id }) => !heard.has(id))) {
		heard.add(event.id);
		await transaction((tx) => keepEvent(tx, event));
		await processEvent(event.id);
	}
	const waiting = await waitingJobs<{ orderId: string }>('billing.refund-signup');
	await db.$executeRaw`DELETE FROM pgboss.job WHERE name = 'billing.refund-signup'`;
	for (const { orderId } of waiting) await runRefundOrder(orderId);
}

/** A refund that bounced. @param next what becomes of the one that is sent after it */
async function bounced(next?: string) {
	await stripe.control('/refunds/next', { status: 'failed' });
	const ordered = await orderedRefund(stripe);
	await runRefundOrder(ordered.orderId);
	expect(await openAlerts(ordered.orderId)).toEqual(FAILED);
	if (next) await stripe.control('/refunds/next', { status: next });
	return ordered;
}

const sendAgain = (orderId: string, seen = 1) =>
	transaction((tx) => sendRefundAgain(tx, { orderId, bounced: seen, by: SYSTEM }));
const statusOf = async (orderId: string) => (await refundOrderPage(db, orderId)).order.status;

describe('a refund that bounced', () => {
	it('is sent again when staff say so, once, and the alert ends when the money has gone', async () => {
		const { signup, paid, orderId } = await bounced('pending');
		expect(await refundOrderPage(db, orderId)).toMatchObject({ bounced: 1, maySendAgain: true });
		await sendAgain(orderId);
		// The button pressed twice.
		await sendAgain(orderId);
		expect(await refundOrderPage(db, orderId)).toMatchObject({ maySendAgain: false });
		await listen();
		await listen();
		const [first, second, ...more] = refundsOf(paid.stripeCustomerId);
		expect(more).toEqual([]);
		expect(first).toMatchObject({ amount: 4_900, status: 'failed' });
		expect(second).toMatchObject({ amount: 4_900, status: 'pending' });
		expect(await statusOf(orderId)).toBe('pending');
		expect(await openAlerts(orderId)).toEqual(FAILED);

		await stripe.control(`/refunds/${second!.id}/outcome`, { status: 'succeeded' });
		await listen();
		expect(await statusOf(orderId)).toBe('succeeded');
		expect(await isSignupRefunded(db, signup.id)).toBe(true);
		expect(await openAlerts(orderId)).toEqual([]);
		// Whatever comes once more changes nothing.
		await sendAgain(orderId);
		await runRefundOrder(orderId);
		await catchUp();
		heard.clear();
		await listen();
		expect(refundsOf(paid.stripeCustomerId)).toHaveLength(2);
		expect(await statusOf(orderId)).toBe('succeeded');
	});

	it('keeps who sent it again, and the call under a key of its own', async () => {
		const { signup, paid, orderId } = await bounced();
		const by = { kind: 'staff' as const, id: randomUUID(), label: 'Fernanda Finanzas' };
		await transaction((tx) => sendRefundAgain(tx, { orderId, bounced: 1, by }));
		await sendAgain(orderId);
		await runRefundOrder(orderId);
		const said = await db.auditEntry.findMany({
			where: { action: 'billing.send-refund-again', subjectId: orderId }
		});
		expect(said).toMatchObject([{ actorId: by.id, actorLabel: by.label }]);
		const [call, ...more] = await db.vendorCall.findMany({
			where: { subjectId: signup.id, operation: 'refunds.create' }
		});
		expect(more).toEqual([]);
		const intent = refundsOf(paid.stripeCustomerId)[0]!.payment_intent;
		expect(call).toMatchObject({ key: `refund:${signup.id}:again-1:${intent}` });
	});

	it('sends it once although its answer is lost', async () => {
		const { paid, orderId } = await bounced();
		await sendAgain(orderId);
		stripe.fault({ match: 'POST /v1/refunds', kind: 'status', status: 500, when: 'after' });
		await expect(runRefundOrder(orderId)).rejects.toThrow();
		await runRefundOrder(orderId);
		expect(refundsOf(paid.stripeCustomerId).map(({ status }) => status)).toEqual([
			'failed',
			'succeeded'
		]);
		expect(await openAlerts(orderId)).toEqual([]);
	});

	it('sends only what is left when a part has arrived another way', async () => {
		const { paid, orderId } = await bounced();
		const intent = String(refundsOf(paid.stripeCustomerId)[0]!.payment_intent);
		await fetch(`${stripe.server.url}/v1/refunds`, {
			method: 'POST',
			headers: { authorization: `Bearer ${stripe.server.key}` },
			body: new URLSearchParams({ payment_intent: intent, amount: '900' })
		});
		await sendAgain(orderId);
		await runRefundOrder(orderId);
		expect(refundsOf(paid.stripeCustomerId).map(({ amount }) => amount)).toEqual([
			4_900, 900, 4_000
		]);
		expect(await statusOf(orderId)).toBe('succeeded');
	});

	it('that bounces again asks staff again, who must have seen it', async () => {
		const { paid, orderId } = await bounced('failed');
		await sendAgain(orderId);
		await runRefundOrder(orderId);
		expect(await statusOf(orderId)).toBe('failed');
		expect(await openAlerts(orderId)).toEqual(FAILED);
		await runRefundOrder(orderId);
		expect(refundsOf(paid.stripeCustomerId)).toHaveLength(2);
		// An old page, and one that shows both.
		await expect(sendAgain(orderId, 1)).rejects.toMatchObject({ code: 'CHANGED_MEANWHILE' });
		await sendAgain(orderId, 2);
		await runRefundOrder(orderId);
		expect(refundsOf(paid.stripeCustomerId).map(({ status }) => status)).toEqual([
			'failed',
			'failed',
			'succeeded'
		]);
		expect(await openAlerts(orderId)).toEqual([]);
	});

	it('is credited as well when only somebody else’s refund has bounced', async () => {
		const ordered = await orderedRefund(stripe);
		const [invoice] = stripe.server.account
			.all('invoices')
			.filter(({ customer }) => customer === ordered.paid.stripeCustomerId);
		const [payment] = stripe.server.account
			.all('invoice_payments')
			.filter((one) => one.invoice === invoice!.id);
		await stripe.control('/refunds/next', { status: 'failed' });
		await fetch(`${stripe.server.url}/v1/refunds`, {
			method: 'POST',
			headers: { authorization: `Bearer ${stripe.server.key}` },
			body: new URLSearchParams({
				payment_intent: String(payment!.payment.payment_intent),
				amount: '900'
			})
		});
		await runRefundOrder(ordered.orderId);
		expect(await statusOf(ordered.orderId)).toBe('failed');
		await sendAgain(ordered.orderId);
		await runRefundOrder(ordered.orderId);
		expect(await statusOf(ordered.orderId)).toBe('succeeded');
		expect(
			await db.creditNote.findMany({ where: { customerId: ordered.customer.id } })
		).toMatchObject([{ amount: 4_900 }]);
	});
});

it('a refund after a dispute that we won goes on, with nobody called for', async () => {
	const { signup, subscription, paid, orderId } = await orderedRefund(stripe);
	const charge = stripe.server.account
		.all('charges')
		.find(({ customer }) => customer === paid.stripeCustomerId);
	const { id } = await stripe.control('/disputes', { charge: charge!.id });
	await listen();
	await runRefundOrder(orderId);
	expect(await statusOf(orderId)).toBe('waiting_dispute');
	// Banks take months, which is nobody's delay.
	await db.refundOrder.update({ where: { id: orderId }, data: { dueSince: new Date(0) } });
	await catchUp();
	expect(await openAlerts(orderId)).toEqual([]);
	await stripe.control(`/disputes/${String(id)}/close`, { status: 'won' });
	await listen();
	expect(await statusOf(orderId)).toBe('succeeded');
	expect(refundsOf(paid.stripeCustomerId)).toMatchObject([{ amount: 4_900, status: 'succeeded' }]);
	expect(await isSignupRefunded(db, signup.id)).toBe(true);
	const row = await db.subscription.findUniqueOrThrow({ where: { id: subscription.id } });
	expect(row.disputedAt).toBeNull();
	await catchUp();
	expect(await openAlerts(orderId)).toEqual([]);
});

it('a refund that Stripe refuses for good is an alert at once', async () => {
	const { orderId } = await orderedRefund(stripe);
	const error = { type: 'invalid_request_error', code: 'charge_disputed', message: 'no refund' };
	stripe.fault({
		...{ match: 'POST /v1/credit_notes', kind: 'status', status: 400 },
		body: JSON.stringify({ error })
	});
	await expect(runRefundOrder(orderId)).rejects.toMatchObject({ code: 'charge_disputed' });
	expect(await openAlerts(orderId)).toEqual([{ rule: 'billing.refund-stuck' }]);
	await runRefundOrder(orderId);
	expect(await openAlerts(orderId)).toEqual([]);
	expect(await statusOf(orderId)).toBe('succeeded');
});
