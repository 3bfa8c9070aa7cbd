import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { Ajv2020 } from 'ajv/dist/2020.js';
import Stripe from 'stripe';
import { Kernel } from '../kernel/kernel.ts';
import { API_VERSION } from './account.ts';
import { startStripe } from './server.ts';

/** Vendors' API descriptions; present on development machines only. */
const SPEC = fileURLToPath(
	new URL('../../../../shared/specs/stripe.openapi.json', import.meta.url)
);
export const hasSpec = existsSync(SPEC);

/** A stand-in with the official SDK in front of it, and what the tests need of both. */
export async function startTestStripe(options: { appUrl?: string; speed?: number } = {}) {
	const kernel = new Kernel({ dataDir: null, speed: options.speed ?? 0 });
	const server = await startStripe(kernel, { port: 0, appUrl: options.appUrl });
	const sdk = (key = server.key): Stripe =>
		new Stripe(key, {
			apiVersion: API_VERSION,
			host: '127.0.0.1',
			port: server.port,
			protocol: 'http',
			maxNetworkRetries: 0
		});
	const stripe = sdk();
	const control = async (path: string, body: object = {}): Promise<Record<string, unknown>> => {
		const response = await fetch(`${server.url}/__sandbox/stripe${path}`, {
			method: 'POST',
			headers: { 'content-type': 'application/json' },
			body: JSON.stringify(body)
		});
		const answer: unknown = await response.json();
		if (typeof answer !== 'object' || answer === null) throw new Error('no object');
		return { ...answer, http_status: response.status };
	};
	const monthly = async (amount = 2900, name = 'Basic'): Promise<Stripe.Price> =>
		stripe.prices.create({
			currency: 'usd',
			unit_amount: amount,
			recurring: { interval: 'month' },
			product_data: { name }
		});
	const session = async (
		more: Partial<Stripe.Checkout.SessionCreateParams> = {}
	): Promise<Stripe.Checkout.Session> =>
		stripe.checkout.sessions.create({
			mode: 'subscription',
			line_items: [{ price: (await monthly()).id, quantity: 1 }],
			success_url: 'http://app.test/success?session={CHECKOUT_SESSION_ID}',
			cancel_url: 'http://app.test/signup',
			customer_email: 'ana@example.com',
			subscription_data: { metadata: { signup: 's1' } },
			...more
		});
	/** A paid session with its subscription, invoice and payment intent. */
	const paid = async (card = '4242424242424242') => {
		const { id } = await session();
		await control(`/checkout/${id}/pay`, { card });
		const done = await stripe.checkout.sessions.retrieve(id, {
			expand: ['subscription', 'invoice.payments']
		});
		const { subscription, invoice, customer } = done;
		if (!isObject(subscription) || !isObject(invoice)) throw new Error('nothing was expanded');
		const intent = invoice.payments?.data[0]?.payment.payment_intent;
		if (typeof intent !== 'string' || typeof customer !== 'string') throw new Error('not paid');
		return { session: done, subscription, invoice, intent, customer };
	};
	return {
		kernel,
		server,
		stripe,
		sdk,
		control,
		monthly,
		session,
		paid,
		close: () => server.close()
	};
}

export function isObject<T>(value: T | string | null): value is T {
	return typeof value === 'object' && value !== null;
}

export interface Received {
	body: string;
	signature: string;
	event: Stripe.Event;
}

/** A webhook receiver; `answer` gives the HTTP status for the n-th message, counted from 0. */
export async function startReceiver(answer: (turn: number) => number = () => 200) {
	const received: Received[] = [];
	const server = createServer((request, response) => {
		const chunks: Buffer[] = [];
		request.on('data', (chunk: Buffer) => chunks.push(chunk));
		request.on('end', () => {
			const body = Buffer.concat(chunks).toString('utf8');
			const status = answer(received.length);
			const event: Stripe.Event = body.endsWith('}') ? JSON.parse(body) : { type: 'malformed' };
			received.push({ body, signature: String(request.headers['stripe-signature']), event });
			response.writeHead(status).end();
		});
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	const { port } = server.address() as AddressInfo;
	return {
		url: `http://127.0.0.1:${port}`,
		received,
		types: () => received.map(({ event }) => event.type),
		close: () => new Promise<void>((resolve) => server.close(() => resolve()))
	};
}

/** Waits until the condition holds; the test's own timeout ends it otherwise. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
	while (!(await condition())) await sleep(5);
}

/** Says what an answer lacks by the vendor's description; empty when it fits. */
export function specErrors(schema: string, value: unknown): string[] {
	const ajv = validator();
	const check = ajv.getSchema(`stripe#/components/schemas/${schema}`);
	if (!check) throw new Error(`the description has no ${schema}`);
	if (check(value)) return [];
	return (check.errors ?? []).map((error) => `${error.instancePath} ${error.message}`);
}

let cached: Ajv2020 | null = null;

function validator(): Ajv2020 {
	if (cached) return cached;
	const ajv = new Ajv2020({ strict: false, allErrors: false, validateFormats: false });
	ajv.addSchema(JSON.parse(readFileSync(SPEC, 'utf8')), 'stripe');
	cached = ajv;
	return ajv;
}
