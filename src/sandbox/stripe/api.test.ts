import Stripe from 'stripe';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestStripe } from './testing.ts';

let lab: Awaited<ReturnType<typeof startTestStripe>>;
beforeAll(async () => {
	lab = await startTestStripe();
});
afterAll(() => lab.close());

async function raw(
	path: string,
	init: RequestInit = {}
): Promise<{ response: Response; body: unknown }> {
	const headers = { authorization: `Bearer ${lab.server.key}`, ...init.headers };
	const response = await fetch(`${lab.server.url}${path}`, { ...init, headers });
	return { response, body: await response.json() };
}

test('wants the key, as Bearer or as Basic user, and its own version', async () => {
	await expect(lab.sdk('sk_test_wrong').customers.list()).rejects.toBeInstanceOf(
		Stripe.errors.StripeAuthenticationError
	);
	const basic = Buffer.from(`${lab.server.key}:`).toString('base64');
	expect(
		(await raw('/v1/customers', { headers: { authorization: `Basic ${basic}` } })).response.status
	).toBe(200);
	expect((await raw('/v1/customers', { headers: { authorization: '' } })).response.status).toBe(
		401
	);
	const odd = await raw('/v1/customers', { headers: { 'stripe-version': 'newest' } });
	expect(odd.response.status).toBe(400);
});

test('answers carry a Request-Id, errors their shape', async () => {
	const { response, body } = await raw('/v1/customers/cus_none');
	expect(response.status).toBe(404);
	expect(response.headers.get('request-id')).toMatch(/^req_/);
	expect(body).toMatchObject({
		error: {
			type: 'invalid_request_error',
			code: 'resource_missing',
			param: 'id',
			message: "No such customer: 'cus_none'"
		}
	});
	expect((await raw('/v1/nothing')).response.status).toBe(404);
	expect((await raw('/v1/customers?limit=0')).response.status).toBe(400);
	expect((await raw('/v1/customers?limit=ten')).body).toMatchObject({
		error: { code: 'parameter_invalid_integer' }
	});
	expect((await raw('/v1/customers?colour=blue')).body).toMatchObject({
		error: { code: 'parameter_unknown', param: 'colour' }
	});
});

test('an idempotency key replays the first answer, and refuses other parameters', async () => {
	const first = await lab.stripe.customers.create(
		{ email: 'a@example.com' },
		{ idempotencyKey: 'k1' }
	);
	const again = await lab.stripe.customers.create(
		{ email: 'a@example.com' },
		{ idempotencyKey: 'k1' }
	);
	expect(again.id).toBe(first.id);
	expect(again.lastResponse.headers['idempotent-replayed']).toBe('true');
	await expect(
		lab.stripe.customers.create({ email: 'b@example.com' }, { idempotencyKey: 'k1' })
	).rejects.toBeInstanceOf(Stripe.errors.StripeIdempotencyError);
	expect((await lab.stripe.customers.list({ email: 'a@example.com' })).data).toHaveLength(1);
});

test('refused parameters are not kept under the key, a declined card is', async () => {
	const headers = { 'idempotency-key': 'k2' };
	const post = (body: Record<string, string>) =>
		raw('/v1/customers', { method: 'POST', headers, body: new URLSearchParams(body) });
	expect((await post({ email: 'nobody' })).response.status).toBe(400);
	expect((await post({ email: 'c@example.com' })).response.status).toBe(200);
	const { id } = await lab.stripe.customers.create({});
	const attach = () =>
		lab.stripe.paymentMethods.attach(
			'pm_card_chargeDeclined',
			{ customer: id },
			{ idempotencyKey: 'k3' }
		);
	await expect(attach()).rejects.toMatchObject({ statusCode: 402, code: 'card_declined' });
	await expect(attach()).rejects.toMatchObject({ headers: { 'idempotent-replayed': 'true' } });
});

test('two at once under one key: the second is a conflict', async () => {
	lab.kernel.speed = 1;
	try {
		const both = await Promise.allSettled(
			[1, 2].map(() => lab.stripe.customers.create({ name: 'twice' }, { idempotencyKey: 'k4' }))
		);
		const refused = both.filter((one) => one.status === 'rejected');
		expect(refused).toHaveLength(1);
		expect(refused[0]?.reason).toMatchObject({ statusCode: 409, code: 'idempotency_key_in_use' });
	} finally {
		lab.kernel.speed = 0;
	}
});

test('reads nested forms in every usual spelling', async () => {
	const spellings = [
		'product_data[name]=A&currency=usd&unit_amount=1&recurring[interval]=month&metadata[a]=1',
		'currency=usd&metadata%5Ba%5D=1&product_data%5Bname%5D=A&recurring%5Binterval%5D=month&unit_amount=1'
	];
	for (const body of spellings) {
		const answer = await raw('/v1/prices', {
			method: 'POST',
			body,
			headers: { 'content-type': 'application/x-www-form-urlencoded' }
		});
		expect(answer.body).toMatchObject({ metadata: { a: '1' }, recurring: { interval: 'month' } });
	}
	const types = [
		'enabled_events[]=a.b&enabled_events[]=c.d',
		'enabled_events[0]=a.b&enabled_events[1]=c.d'
	];
	for (const list of types) {
		const answer = await raw('/v1/webhook_endpoints', {
			method: 'POST',
			body: `url=http://127.0.0.1:9/&${list}`,
			headers: { 'content-type': 'application/x-www-form-urlencoded' }
		});
		expect(answer.body).toMatchObject({ enabled_events: ['a.b', 'c.d'] });
	}
	const json = await raw('/v1/customers', {
		method: 'POST',
		body: '{}',
		headers: { 'content-type': 'application/json' }
	});
	expect(json.response.status).toBe(400);
});

test('pages by cursor, newest first, in both directions', async () => {
	const ids: string[] = [];
	for (let turn = 0; turn < 5; turn += 1) {
		ids.unshift((await lab.stripe.products.create({ name: `p${turn}` })).id);
	}
	const first = await lab.stripe.products.list({ limit: 2 });
	expect(first.data.map(({ id }) => id)).toEqual(ids.slice(0, 2));
	expect(first.has_more).toBe(true);
	const next = await lab.stripe.products.list({ limit: 2, starting_after: ids[1] });
	expect(next.data.map(({ id }) => id)).toEqual(ids.slice(2, 4));
	const back = await lab.stripe.products.list({ limit: 2, ending_before: ids[2] });
	expect(back.data.map(({ id }) => id)).toEqual(ids.slice(0, 2));
	const all: string[] = [];
	for await (const product of lab.stripe.products.list({ limit: 2 })) all.push(product.id);
	expect(all.slice(0, 5)).toEqual(ids);
	await expect(lab.stripe.products.list({ starting_after: 'prod_none' })).rejects.toThrow(
		/No such/
	);
});

test('expands references, nested and in lists, and refuses the rest', async () => {
	const { subscription, intent } = await lab.paid();
	const deep = await lab.stripe.subscriptions.retrieve(subscription.id, {
		expand: [
			'customer',
			'latest_invoice.payments',
			'items.data.price.product',
			'default_payment_method'
		]
	});
	expect(deep.customer).toMatchObject({ object: 'customer' });
	expect(deep.latest_invoice).toMatchObject({
		payments: { data: [{ payment: { payment_intent: intent } }] }
	});
	expect(deep.items.data[0]?.price.product).toMatchObject({ object: 'product' });
	const list = await lab.stripe.subscriptions.list({ expand: ['data.customer'] });
	expect(list.data[0]?.customer).toMatchObject({ object: 'customer' });
	await expect(
		lab.stripe.subscriptions.retrieve(subscription.id, { expand: ['status'] })
	).rejects.toThrow('This property cannot be expanded (status).');
});

test('catalogue and customers', async () => {
	const price = await lab.monthly(4900, 'Pro');
	const keyed = await lab.stripe.prices.update(price.id, { lookup_key: 'pro' });
	expect((await lab.stripe.prices.list({ lookup_keys: ['pro'] })).data).toMatchObject([
		{ id: keyed.id, unit_amount: 4900 }
	]);
	const taken = { currency: 'usd', unit_amount: 1, product_data: { name: 'x' }, lookup_key: 'pro' };
	await expect(lab.stripe.prices.create(taken)).rejects.toThrow(/already uses that lookup key/);
	const moved = await lab.stripe.prices.create({ ...taken, transfer_lookup_key: true });
	expect((await lab.stripe.prices.list({ lookup_keys: ['pro'] })).data).toMatchObject([
		{ id: moved.id }
	]);
	const customer = await lab.stripe.customers.create({
		email: 'x@example.com',
		metadata: { a: '1', b: '2' }
	});
	const updated = await lab.stripe.customers.update(customer.id, {
		name: 'X',
		metadata: { a: '' }
	});
	expect(updated).toMatchObject({ name: 'X', metadata: { b: '2' } });
	expect(await lab.stripe.customers.del(customer.id)).toMatchObject({ deleted: true });
	expect(await lab.stripe.customers.retrieve(customer.id)).toMatchObject({ deleted: true });
	await expect(lab.stripe.customers.update(customer.id, { name: 'Y' })).rejects.toMatchObject({
		statusCode: 404
	});
});
