import Stripe from 'stripe';
import { beforeEach, describe, expect, it } from 'vitest';
import { aSignup, payFor } from '../../../tests/factories/billing.ts';
import {
	eventsOf,
	listenToBilling,
	signedBody,
	waitingJobs
} from '../../../tests/setup/billing.ts';
import { testDatabase } from '../../../tests/setup/database.ts';
import { testQueue } from '../../../tests/setup/queue.ts';
import { testStripe } from '../../../tests/setup/stripe.ts';
import { db } from '#lib/core/db.server.ts';
import { catchUp } from './catchUp.server.ts';
import { processEvent, receiveStripeEvent } from './events.server.ts';
import './jobs.server.ts';

await testDatabase();
const stripe = await testStripe();
listenToBilling();
await testQueue({ work: false });

const sdk = new Stripe('sk_test_unused');
const secret = stripe.server.webhook_secret;
const send = (payload: object | string, timestamp?: number, by = secret) => {
	const { body, signature } = signedBody(payload, sdk, by, timestamp);
	return receiveStripeEvent(body, signature);
};
const eventsAbout = (since: number) => eventsOf(stripe).slice(since);
const stored = (eventId: string) => db.stripeEvent.findUniqueOrThrow({ where: { eventId } });
const madeUp = (type: string, object: object) => ({
	id: `evt_${Math.random().toString(36).slice(2)}`,
	object: 'event',
	type,
	created: Math.floor(Date.now() / 1000),
	data: { object }
});

beforeEach(async () => {
	await db.stripeEvent.deleteMany();
	await db.$executeRaw`DELETE FROM pgboss.job`;
});

describe('receiving', () => {
	it('keeps an event once and queues it once, however often it comes', async () => {
		const event = madeUp('customer.updated', { id: 'cus_1', object: 'customer' });
		const answers = await Promise.all([send(event), send(event), send(event)]);
		expect(answers.toSorted()).toEqual(['accepted', 'duplicate', 'duplicate']);
		expect(await db.stripeEvent.count()).toBe(1);
		expect(await waitingJobs('billing.process-event')).toEqual([{ eventId: event.id }]);
		expect(await stored(event.id)).toMatchObject({ stripeCustomerId: 'cus_1', payload: event });
	});

	it.each([
		['forged', () => send(madeUp('invoice.paid', {}), undefined, 'whsec_forged')],
		['old', () => send(madeUp('invoice.paid', {}), Math.floor(Date.now() / 1000) - 302)]
	])('refuses a %s one and keeps nothing of it', async (_, sending) => {
		await expect(sending()).rejects.toMatchObject({ name: 'BadSignature' });
		expect(await db.stripeEvent.count()).toBe(0);
		expect(await waitingJobs('billing.process-event')).toEqual([]);
	});

	it('refuses what is signed and no event', async () => {
		await expect(send({ id: 'evt_x', object: 'event' })).rejects.toMatchObject({
			code: 'BAD_INPUT'
		});
	});

	it('queues by customer, and what has none by its payment', async () => {
		await send(madeUp('invoice.paid', { id: 'in_1', object: 'invoice', customer: 'cus_7' }));
		await send(
			madeUp('charge.dispute.created', { id: 'du_1', object: 'dispute', payment_intent: 'pi_9' })
		);
		const rows = await db.$queryRaw<{ key: string }[]>`
			SELECT singleton_key AS key FROM pgboss.job WHERE name = 'billing.process-event' ORDER BY id`;
		expect(rows.map(({ key }) => key).toSorted()).toEqual(['cus_7', 'pi_9']);
	});
});

describe('processing', () => {
	it.each([
		['checkout.session.completed', 'checkout.session', 'cs_none'],
		['customer.subscription.updated', 'subscription', 'sub_none'],
		['invoice.paid', 'invoice', 'in_none'],
		['refund.updated', 'refund', 're_none'],
		['credit_note.created', 'credit_note', 'cn_none'],
		['charge.dispute.created', 'dispute', 'du_none']
	])('notes that %s is about nothing that exists', async (type, object, id) => {
		const event = madeUp(type, { id, object });
		await send(event);
		expect(await processEvent(event.id)).toBe('unknown_object');
		expect(await stored(event.id)).toMatchObject({ processed: true, outcome: 'unknown_object' });
	});

	it.each(['customer.updated', 'setup_intent.succeeded', 'something.new'])(
		'ignores %s',
		async (type) => {
			const event = madeUp(type, { id: 'x_1', object: 'x' });
			await send(event);
			expect(await processEvent(event.id)).toBe('ignored');
			expect(await processEvent(event.id)).toBeNull();
		}
	);

	it('says so when the event was never kept', async () => {
		expect(await processEvent('evt_never')).toBeNull();
	});

	it('leaves the event for another time while Stripe fails, and gives up so that others go on', async () => {
		const event = madeUp('invoice.paid', { id: 'in_x', object: 'invoice' });
		await send(event);
		stripe.fault({ match: 'GET /v1/invoices', kind: 'status', status: 500, times: 100 });
		await db.stripeEvent.update({ where: { eventId: event.id }, data: { attempts: 6 } });
		await expect(processEvent(event.id)).rejects.toMatchObject({ vendor: 'stripe' });
		expect(await processEvent(event.id)).toBeNull();
		expect(await stored(event.id)).toMatchObject({ processed: false, attempts: 8 });
		expect((await stored(event.id)).error).toContain('Stripe');
	});

	it('tells of a Checkout session, and whether its payment failed', async () => {
		const paid = await payFor(stripe, await aSignup(), { card: 'bank' });
		await stripe.control(`/checkout/${paid.stripeSessionId}/async`, { outcome: 'failed' });
		const object = { id: paid.stripeSessionId, object: 'checkout.session' };
		for (const type of ['completed', 'async_payment_failed']) {
			const event = madeUp(`checkout.session.${type}`, object);
			await send(event);
			expect(await processEvent(event.id)).toBe('applied');
		}
		expect(await waitingJobs('provisioning.checkout-changed')).toEqual([
			{ stripeSessionId: paid.stripeSessionId, failed: false },
			{ stripeSessionId: paid.stripeSessionId, failed: true }
		]);
	});
});

describe('catching up', () => {
	it('finds what no webhook brought, once, and goes on from there', async () => {
		await db.stripeCursor.deleteMany();
		const since = eventsOf(stripe).length;
		await payFor(stripe, await aSignup());
		const missed = eventsAbout(since).map(({ id }) => id);
		expect(await catchUp()).toBeGreaterThanOrEqual(missed.length);
		const kept = (await db.stripeEvent.findMany()).map(({ eventId }) => eventId);
		expect(kept).toEqual(expect.arrayContaining(missed));
		expect(await catchUp()).toBe(0);
		expect(await db.stripeCursor.count()).toBe(1);
	});

	it('does not go on from a page that it could not read', async () => {
		await db.stripeCursor.deleteMany();
		stripe.fault({ match: 'GET /v1/events', kind: 'status', status: 500, times: 10 });
		await expect(catchUp()).rejects.toMatchObject({ vendor: 'stripe' });
		expect(await db.stripeCursor.count()).toBe(0);
	});

	it('queues again what has lost its job', async () => {
		const event = madeUp('invoice.paid', { id: 'in_1', object: 'invoice' });
		await send(event);
		await db.$executeRaw`DELETE FROM pgboss.job`;
		await catchUp();
		expect(await waitingJobs('billing.process-event')).not.toContainEqual({ eventId: event.id });
		await db.stripeEvent.update({
			where: { eventId: event.id },
			data: { receivedAt: new Date(Date.now() - 600_000) }
		});
		await catchUp();
		expect(await waitingJobs('billing.process-event')).toContainEqual({ eventId: event.id });
	});
});
