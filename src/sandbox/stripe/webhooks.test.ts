import { afterEach, expect, test } from 'vitest';
import { API_VERSION } from './account.ts';
import { startReceiver, startTestStripe, until } from './testing.ts';

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
	for (const close of open.splice(0)) await close();
});

async function start(answer?: (turn: number) => number) {
	const receiver = await startReceiver(answer);
	const lab = await startTestStripe({ appUrl: receiver.url });
	open.push(lab.close, receiver.close);
	const secret = lab.server.webhook_secret;
	const rename = async (email: string): Promise<string> => {
		const { id } = await lab.stripe.customers.create({ email });
		await lab.stripe.customers.update(id, { name: email });
		return id;
	};
	return { ...lab, receiver, secret, rename };
}

test('the given endpoint gets signed events that the SDK accepts, and refuses with another secret', async () => {
	const { stripe, receiver, secret, paid } = await start();
	const { session } = await paid();
	await until(() => receiver.types().includes('checkout.session.completed'));
	const last = receiver.received.find(({ event }) => event.type === 'checkout.session.completed');
	const { body = '', signature = '' } = last ?? {};
	const event = stripe.webhooks.constructEvent(body, signature, secret);
	expect(event).toMatchObject({
		api_version: API_VERSION,
		data: { object: { id: session.id, status: 'complete' } }
	});
	expect(() => stripe.webhooks.constructEvent(body, signature, 'whsec_other')).toThrow(/signature/);
	expect(() => stripe.webhooks.constructEvent(`${body} `, signature, secret)).toThrow(/signature/);
	const stored = await stripe.events.retrieve(event.id);
	expect(stored.data.object).toMatchObject({ id: session.id });
});

test('an endpoint made through the API has its secret once, gets only its types, and can be deleted', async () => {
	const { stripe, receiver, session } = await start();
	const made = await stripe.webhookEndpoints.create({
		url: `${receiver.url}/other`,
		enabled_events: ['checkout.session.expired'],
		api_version: API_VERSION
	});
	expect(made.secret).toMatch(/^whsec_/);
	expect((await stripe.webhookEndpoints.retrieve(made.id)).secret).toBeUndefined();
	const { id } = await session();
	await stripe.checkout.sessions.expire(id);
	await until(() => receiver.received.length >= 2);
	const { secret = '' } = made;
	const verified = receiver.received.filter(({ body, signature }) => {
		try {
			return (
				stripe.webhooks.constructEvent(body, signature, secret).type === 'checkout.session.expired'
			);
		} catch {
			return false;
		}
	});
	expect(verified).toHaveLength(1);
	expect(await stripe.webhookEndpoints.del(made.id)).toMatchObject({ deleted: true });
	await expect(stripe.webhookEndpoints.retrieve(made.id)).rejects.toMatchObject({
		statusCode: 404
	});
	await expect(
		stripe.webhookEndpoints.create({ url: 'nowhere', enabled_events: ['*'] })
	).rejects.toMatchObject({ param: 'url' });
});

test('a receiver that fails is tried again with the same event', async () => {
	const { stripe, receiver, rename } = await start((turn) => (turn < 2 ? 500 : 200));
	await rename('retry@example.com');
	await until(() => receiver.received.length === 3);
	expect(new Set(receiver.received.map(({ event }) => event.id)).size).toBe(1);
	const [{ event } = { event: { id: '' } }] = receiver.received;
	await until(async () => (await stripe.events.retrieve(event.id)).pending_webhooks === 0);
	expect((await stripe.events.list({ delivery_success: false })).data).toHaveLength(0);
});

test('faults: dropped, duplicated, held back until a later one, garbled', async () => {
	const { kernel, receiver, rename, control, stripe } = await start();
	kernel.faults.add({ target: 'webhook', kind: 'drop', match: '^customer\\.updated$' });
	await rename('dropped@example.com');
	kernel.faults.add({ target: 'webhook', kind: 'duplicate', match: '^customer\\.updated$' });
	await rename('double@example.com');
	await until(() => receiver.received.length === 2);
	expect(new Set(receiver.received.map(({ event }) => event.id)).size).toBe(1);
	kernel.faults.add({ target: 'webhook', kind: 'reorder', match: '^customer\\.updated$' });
	await rename('late@example.com');
	await rename('early@example.com');
	await until(() => receiver.received.length === 4);
	const names = receiver.received.slice(2).map(({ event }) => event.data.object);
	expect(names).toMatchObject([{ name: 'early@example.com' }, { name: 'late@example.com' }]);
	kernel.faults.add({ target: 'webhook', kind: 'malformed' });
	await rename('garbled@example.com');
	await until(() => receiver.received.length === 5);
	expect(receiver.types()[4]).toBe('malformed');
	const [dropped] = (await stripe.events.list({ type: 'customer.updated', limit: 100 })).data.slice(
		-1
	);
	expect(await control(`/events/${dropped?.id}/resend`)).toMatchObject({ deliveries: 1 });
	await until(() => receiver.received.length === 6);
	expect(receiver.received[5]?.event.data.object).toMatchObject({ name: 'dropped@example.com' });
});

test('an answer that is lost after its effect makes the event come again', async () => {
	const { kernel, receiver, rename } = await start();
	kernel.faults.add({ target: 'webhook', kind: 'timeout', when: 'after' });
	await rename('twice@example.com');
	await until(() => receiver.received.length === 2);
	const [first, second] = receiver.received;
	expect(first?.event.id).toBe(second?.event.id);
});

test('events are listed by type and wildcard, and carry the request that caused them', async () => {
	const { stripe, rename, receiver } = await start();
	const { id } = await stripe.customers.create(
		{ email: 'e@example.com' },
		{ idempotencyKey: 'own-key' }
	);
	await rename('w@example.com');
	await until(() => receiver.received.length === 1);
	const { data } = await stripe.events.list({ type: 'customer.*' });
	expect(data.map(({ type }) => type)).toEqual([
		'customer.updated',
		'customer.created',
		'customer.created'
	]);
	expect(data[2]).toMatchObject({
		data: { object: { id } },
		request: { idempotency_key: 'own-key' }
	});
	expect((await stripe.events.list({ types: ['customer.updated'] })).data).toHaveLength(1);
});

test('a reset empties the account and keeps key and given endpoint', async () => {
	const { kernel, stripe, rename, receiver } = await start();
	await rename('gone@example.com');
	await until(() => receiver.received.length === 1);
	kernel.reset();
	expect((await stripe.customers.list()).data).toHaveLength(0);
	expect((await stripe.webhookEndpoints.list()).data).toMatchObject([
		{ url: `${receiver.url}/webhooks/stripe` }
	]);
	await rename('new@example.com');
	await until(() => receiver.received.length === 2);
	expect(receiver.received[1]?.event.data.object).toMatchObject({ name: 'new@example.com' });
});
