import { randomUUID } from 'node:crypto';
import Stripe from 'stripe';
import { expect, it } from 'vitest';
import { whileSomebodyWaits } from '#lib/core/patience.server.ts';
import { testStripe } from '../../../../tests/setup/stripe.ts';
import { unrecorded, type RecordedCall } from '../record.ts';
import { BadSignature, StripeVendorError } from './errors.ts';
import { stripe as connect, verifyWebhook } from './stripe.server.ts';

const stripe = await testStripe();
const recorded: RecordedCall[] = [];
const config = { secretKey: stripe.server.key, baseUrl: stripe.server.url, timeoutMs: 300 };
const client = connect(config, (call, send) => {
	recorded.push(call);
	return send();
});

const product = () => client.products.create({ name: 'ERP' }, randomUUID());
const failure = async (call: Promise<unknown>): Promise<StripeVendorError> => {
	const error = await call.then(
		() => null,
		(reason: unknown) => reason
	);
	if (error instanceof StripeVendorError) return error;
	throw new Error(`expected a StripeVendorError, got ${String(error)}`);
};

it('records what changes something with its key, and what only reads as such', async () => {
	recorded.length = 0;
	const { id } = await client.products.create({ name: 'ERP' }, 'product:recorded');
	await client.products.retrieve(id);
	expect(recorded).toMatchObject([
		{ vendor: 'stripe', operation: 'products.create', key: 'product:recorded', changes: true },
		{ vendor: 'stripe', operation: 'products.retrieve', request: { id }, changes: false }
	]);
});

it('gets the same object for the same key', async () => {
	const key = randomUUID();
	const one = await client.products.create({ name: 'Once' }, key);
	const two = await client.products.create({ name: 'Once' }, key);
	expect(two.id).toBe(one.id);
});

it.each([
	['status', { kind: 'status', status: 500 }, 'vendor'],
	[
		'an error of the API',
		{ kind: 'status', status: 503, body: '{"error":{"type":"api_error","message":"x"}}' },
		'vendor'
	],
	['timeout', { kind: 'timeout' }, 'lost'],
	['reset', { kind: 'reset', times: 2 }, 'lost'],
	['nonsense', { kind: 'malformed' }, 'vendor'],
	['another object', { kind: 'malformed', body: '{"object":"price"}' }, 'vendor']
] as const)(
	'says of a change that fails by %s that it may have happened',
	async (_, fault, kind) => {
		stripe.fault({ match: 'POST /v1/products', ...fault });
		const error = await failure(product());
		expect(error).toMatchObject({ kind, ambiguous: true, retryable: false, vendor: 'stripe' });
	}
);

it('tries a read again by itself', async () => {
	const { id } = await product();
	stripe.fault({ match: 'GET /v1/products', kind: 'reset', times: 2 });
	expect((await client.products.retrieve(id)).id).toBe(id);
});

it('waits no longer than whoever asks, and briefly once it is known to be away', async () => {
	// Alone each of these would wait for minutes, and the test with it.
	const patient = connect({ ...config, timeoutMs: 240_000, readRetries: 1 }, unrecorded);
	stripe.fault({ match: 'products', kind: 'timeout', times: 9 });
	const hasty = <T>(call: () => Promise<T>) => whileSomebodyWaits(700, () => failure(call()));
	expect(await hasty(() => patient.products.retrieve('prod_x'))).toMatchObject({ kind: 'lost' });
	expect(await hasty(() => patient.products.create({ name: 'ERP' }, randomUUID()))).toMatchObject({
		kind: 'lost',
		ambiguous: true
	});
	const brief = whileSomebodyWaits(240_000, () =>
		failure(patient.products.create({ name: 'ERP' }, randomUUID()))
	);
	expect((await brief).kind).toBe('lost');
	stripe.kernel.faults.clear();
	const { id } = await whileSomebodyWaits(60_000, () =>
		patient.products.create({ name: 'ERP' }, randomUUID())
	);
	expect((await patient.products.retrieve(id)).id).toBe(id);
});

it('says of a read that fails that it may be tried again', async () => {
	stripe.fault({ match: 'GET /v1/products', kind: 'status', status: 500, times: 5 });
	expect(await failure(client.products.retrieve('prod_x'))).toMatchObject({
		retryable: true,
		ambiguous: false
	});
});

it('tells what is missing, refused and unauthorized apart', async () => {
	expect(await failure(client.products.retrieve('prod_none'))).toMatchObject({
		kind: 'missing',
		status: 404,
		code: 'resource_missing'
	});
	const refused = client.prices.create({ currency: 'usd', product: 'prod_none' }, randomUUID());
	expect(['missing', 'refused']).toContain((await failure(refused)).kind);
	const stranger = connect({ ...config, secretKey: 'pk_test_nobody' }, unrecorded);
	expect(await failure(stranger.products.retrieve('prod_none'))).toMatchObject({
		kind: 'unauthorized',
		retryable: false
	});
	stripe.fault({
		match: 'GET /v1/products',
		kind: 'status',
		status: 429,
		times: 9,
		body: '{"error":{"type":"invalid_request_error","code":"rate_limit","message":"slow down"}}'
	});
	expect(await failure(client.products.retrieve('prod_none'))).toMatchObject({
		kind: 'busy',
		retryable: true
	});
});

it('reads lists to their end', async () => {
	for (let turn = 0; turn < 12; turn++) await product();
	const since = Math.floor(Date.now() / 1000) - 3_600;
	const first = await client.events.since(since);
	expect(first.data.length).toBeGreaterThan(11);
	const next = await client.events.since(since, first.data[4]!.id);
	expect(next.data[0]!.id).toBe(first.data[5]!.id);
});

const sdk = new Stripe('sk_test_unused');
const secret = 'whsec_tests';
const payload = JSON.stringify({ id: 'evt_1', object: 'event', type: 'invoice.paid' });
const header = (options: { secret?: string; timestamp?: number } = {}) =>
	sdk.webhooks.generateTestHeaderString({ payload, secret, ...options });
const seconds = (ago: number) => Math.floor(Date.now() / 1000) - ago;

it('takes a webhook that was signed with the secret, up to 300 seconds later', () => {
	expect(verifyWebhook(Buffer.from(payload), header(), secret).id).toBe('evt_1');
	const late = header({ timestamp: seconds(290) });
	expect(verifyWebhook(Buffer.from(payload), late, secret).id).toBe('evt_1');
});

it.each([
	['of another secret', payload, header({ secret: 'whsec_other' })],
	['of 301 seconds ago', payload, header({ timestamp: seconds(302) })],
	['of other bytes', payload.replace('evt_1', 'evt_2'), header()],
	['without a signature', payload, ''],
	['with nonsense as signature', payload, 't=1,v1=zz'],
	['of an unknown scheme', payload, header().replace('v1=', 'v0=')]
])('refuses a webhook %s', (_, body, signature) => {
	expect(() => verifyWebhook(Buffer.from(body), signature, secret)).toThrow(BadSignature);
});
