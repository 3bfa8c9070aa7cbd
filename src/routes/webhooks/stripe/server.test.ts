import type { RequestEvent } from '@sveltejs/kit';
import Stripe from 'stripe';
import { beforeEach, expect, it } from 'vitest';
import { listenToBilling, signedBody, waitingJobs } from '../../../../tests/setup/billing.ts';
import { testDatabase } from '../../../../tests/setup/database.ts';
import { testQueue } from '../../../../tests/setup/queue.ts';
import '#lib/billing/jobs.server.ts';
import { db } from '#lib/core/db.server.ts';
import { POST } from './+server.ts';

await testDatabase();
listenToBilling();
await testQueue({ work: false });

const sdk = new Stripe('sk_test_unused');
const secret = process.env.STRIPE_WEBHOOK_SECRET!;
const event = (more: object = {}) => ({
	id: 'evt_route',
	object: 'event',
	type: 'customer.updated',
	created: Math.floor(Date.now() / 1000),
	data: { object: { id: 'cus_1', object: 'customer', ...more } }
});

async function post(body: BodyInit, headers: Record<string, string> = {}): Promise<Response> {
	const request = new Request('http://localhost:4443/webhooks/stripe', {
		method: 'POST',
		body,
		headers: { 'content-type': 'application/json', ...headers }
	});
	const given = { request, url: new URL(request.url), locals: { auth: null } };
	// The handler uses nothing else of the event.
	return POST(given as unknown as RequestEvent<Record<string, never>, '/webhooks/stripe'>);
}

const send = (payload: object, options: { secret?: string; timestamp?: number } = {}) => {
	const { body, signature } = signedBody(payload, sdk, options.secret ?? secret, options.timestamp);
	return post(new Uint8Array(body), { 'stripe-signature': signature });
};

beforeEach(async () => {
	await db.stripeEvent.deleteMany();
	await db.$executeRaw`DELETE FROM pgboss.job`;
});

it('answers 200 to what Stripe signed, once or twice', async () => {
	const first = await send(event());
	expect([first.status, await first.json()]).toEqual([
		200,
		{ received: true, outcome: 'accepted' }
	]);
	const second = await send(event());
	expect([second.status, await second.json()]).toEqual([
		200,
		{ received: true, outcome: 'duplicate' }
	]);
	expect(await waitingJobs('billing.process-event')).toEqual([{ eventId: 'evt_route' }]);
});

it.each([
	['forged', () => send(event(), { secret: 'whsec_forged' })],
	['old', () => send(event(), { timestamp: Math.floor(Date.now() / 1000) - 302 })],
	['unsigned', () => post(JSON.stringify(event()))],
	['empty', () => post('')],
	['signed but no event', () => send({ hello: 'world' })]
])('answers 400 to what is %s, and keeps nothing', async (_, sending) => {
	const response = await sending();
	expect([response.status, await response.json()]).toEqual([400, { received: false }]);
	expect(await db.stripeEvent.count()).toBe(0);
});

it('answers 413 to more than 256 KiB, whatever the length says', async () => {
	const large = event({ note: 'x'.repeat(256 * 1024) });
	expect((await send(large)).status).toBe(413);
	expect((await post('{}', { 'content-length': String(300 * 1024) })).status).toBe(413);
	expect(await db.stripeEvent.count()).toBe(0);
});
