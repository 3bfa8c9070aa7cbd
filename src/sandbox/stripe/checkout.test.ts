import Stripe from 'stripe';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestStripe } from './testing.ts';

let lab: Awaited<ReturnType<typeof startTestStripe>>;
beforeAll(async () => {
	lab = await startTestStripe();
});
afterAll(() => lab.close());

const now = () => lab.kernel.clock.now();
const types = async (): Promise<string[]> =>
	(await lab.stripe.events.list({ limit: 100 })).data.map((event) => event.type);

test('an open session has nothing of what its completion makes', async () => {
	const customers = (await lab.stripe.customers.list()).data.length;
	const session = await lab.session({ client_reference_id: 'ref', metadata: { a: 'b' } });
	expect(session).toMatchObject({
		status: 'open',
		payment_status: 'unpaid',
		customer: null,
		subscription: null,
		invoice: null,
		amount_total: 2900,
		currency: 'usd',
		client_reference_id: 'ref',
		metadata: { a: 'b' },
		mode: 'subscription',
		ui_mode: 'hosted_page'
	});
	expect(session.url).toBe(`${lab.server.url}/c/pay/${session.id}`);
	expect((await lab.stripe.customers.list()).data).toHaveLength(customers);
	const lines = await lab.stripe.checkout.sessions.listLineItems(session.id);
	expect(lines.data).toMatchObject([{ description: 'Basic', amount_total: 2900, quantity: 1 }]);
});

test('paying completes it: customer, subscription with its own metadata, paid invoice', async () => {
	const { session, subscription, invoice, intent, customer } = await lab.paid();
	expect(session).toMatchObject({ status: 'complete', payment_status: 'paid', url: null });
	expect(subscription).toMatchObject({ status: 'active', metadata: { signup: 's1' } });
	expect(invoice).toMatchObject({
		status: 'paid',
		billing_reason: 'subscription_create',
		total: 2900
	});
	const paid = await lab.stripe.paymentIntents.retrieve(intent, { expand: ['latest_charge'] });
	expect(paid).toMatchObject({ status: 'succeeded', amount_received: 2900, customer });
	expect(paid.latest_charge).toMatchObject({ object: 'charge', status: 'succeeded', paid: true });
	const seen = await types();
	// Newest first: the session's event comes after those of the invoice.
	expect(seen.indexOf('checkout.session.completed')).toBeLessThan(seen.indexOf('invoice.paid'));
	expect(seen).toContain('customer.subscription.created');
});

test('a declined card leaves the session open and nothing behind; another card pays', async () => {
	const session = await lab.session();
	const subscriptions = (await lab.stripe.subscriptions.list({ status: 'all', limit: 100 })).data
		.length;
	const declined = await lab.control(`/checkout/${session.id}/pay`, { card: '4000000000000002' });
	expect(declined).toMatchObject({ status: 'declined', failure: { code: 'card_declined' } });
	expect((await lab.stripe.checkout.sessions.retrieve(session.id)).status).toBe('open');
	const after = await lab.stripe.subscriptions.list({ status: 'all', limit: 100 });
	expect(after.data).toHaveLength(subscriptions);
	expect(await lab.control(`/checkout/${session.id}/pay`)).toMatchObject({
		payment_status: 'paid'
	});
	expect(await lab.control(`/checkout/${session.id}/pay`)).toMatchObject({ status: 'closed' });
});

test('…3155 asks for 3-D Secure and pays once it was passed', async () => {
	const { id } = await lab.session();
	const card = '4000002500003155';
	expect(await lab.control(`/checkout/${id}/pay`, { card })).toMatchObject({
		status: 'requires_action'
	});
	const passed = await lab.control(`/checkout/${id}/pay`, { card, authenticate: true });
	expect(passed).toMatchObject({ status: 'complete', payment_status: 'paid' });
});

test('a bank debit completes unpaid, and the bank decides later', async () => {
	for (const [outcome, status, event] of [
		['succeeded', 'paid', 'checkout.session.async_payment_succeeded'],
		['failed', 'unpaid', 'checkout.session.async_payment_failed']
	] as const) {
		const { id } = await lab.session();
		const unpaid = await lab.control(`/checkout/${id}/pay`, { card: 'bank' });
		expect(unpaid).toMatchObject({ status: 'complete', payment_status: 'unpaid' });
		expect(await lab.control(`/checkout/${id}/async`, { outcome })).toMatchObject({
			payment_status: status
		});
		expect((await types())[0]).toBe(event);
		expect((await lab.control(`/checkout/${id}/async`, { outcome })).http_status).toBe(400);
	}
});

test('expires by request, and by the clock at expires_at', async () => {
	const session = await lab.session({ expires_at: now() + 31 * 60 });
	expect(await lab.stripe.checkout.sessions.expire(session.id)).toMatchObject({
		status: 'expired',
		url: null
	});
	await expect(lab.stripe.checkout.sessions.expire(session.id)).rejects.toThrow(
		/Only Checkout Sessions/
	);
	const other = await lab.session({ expires_at: now() + 31 * 60 });
	lab.kernel.clock.advance(32 * 60_000);
	expect((await lab.stripe.checkout.sessions.retrieve(other.id)).status).toBe('expired');
	expect((await types())[0]).toBe('checkout.session.expired');
	expect(await lab.control(`/checkout/${other.id}/pay`)).toMatchObject({ status: 'closed' });
	const expired = await lab.stripe.checkout.sessions.list({ status: 'expired' });
	expect(expired.data.map(({ id }) => id)).toEqual([other.id, session.id]);
});

test('a trial needs no payment', async () => {
	const { id } = await lab.session({ subscription_data: { trial_period_days: 14 } });
	expect(await lab.control(`/checkout/${id}/pay`)).toMatchObject({
		payment_status: 'no_payment_required'
	});
	const done = await lab.stripe.checkout.sessions.retrieve(id, {
		expand: ['subscription', 'invoice']
	});
	expect(done.subscription).toMatchObject({ status: 'trialing' });
	expect(done.invoice).toMatchObject({ status: 'paid', total: 0 });
});

test('payment and setup mode', async () => {
	const once = await lab.stripe.prices.create({
		currency: 'usd',
		unit_amount: 500,
		product_data: { name: 'Set-up' }
	});
	const payment = await lab.session({
		mode: 'payment',
		line_items: [{ price: once.id, quantity: 2 }],
		subscription_data: undefined
	});
	await lab.control(`/checkout/${payment.id}/pay`);
	const done = await lab.stripe.checkout.sessions.retrieve(payment.id, {
		expand: ['payment_intent']
	});
	expect(done.payment_intent).toMatchObject({ amount: 1000, status: 'succeeded' });
	const setup = await lab.session({
		mode: 'setup',
		line_items: undefined,
		subscription_data: undefined,
		currency: 'usd'
	});
	await lab.control(`/checkout/${setup.id}/pay`);
	const saved = await lab.stripe.checkout.sessions.retrieve(setup.id, { expand: ['setup_intent'] });
	expect(saved.setup_intent).toMatchObject({ status: 'succeeded' });
});

test.each([
	['too early an expiry', () => ({ expires_at: now() + 29 * 60 }), 'expires_at', undefined],
	['too late an expiry', () => ({ expires_at: now() + 25 * 3600 }), 'expires_at', undefined],
	['both customer and e-mail', () => ({ customer: 'cus_x' }), 'customer', undefined],
	[
		'an unknown price',
		() => ({ line_items: [{ price: 'price_x', quantity: 1 }] }),
		'line_items[0][price]',
		'resource_missing'
	],
	['no lines', () => ({ line_items: [] }), 'line_items', 'parameter_missing'],
	['no success_url', () => ({ success_url: undefined }), 'success_url', 'parameter_missing'],
	['a bad address', () => ({ success_url: 'success' }), 'success_url', 'url_invalid'],
	['a bad e-mail', () => ({ customer_email: 'nobody' }), 'customer_email', 'email_invalid']
])('refuses %s', async (_what, more, param, code) => {
	const error: unknown = await lab.session(more()).catch((reason: unknown) => reason);
	expect(error).toBeInstanceOf(Stripe.errors.StripeInvalidRequestError);
	expect(error).toMatchObject({ statusCode: 400, param });
	expect(error).toHaveProperty('code', code);
});

test('refuses parameters that the version does not have', async () => {
	const body = new URLSearchParams({
		mode: 'subscription',
		success_url: 'http://app.test/',
		'payment_method_types[0]': 'card'
	});
	const response = await fetch(`${lab.server.url}/v1/checkout/sessions`, {
		method: 'POST',
		headers: { authorization: `Bearer ${lab.server.key}` },
		body
	});
	expect(response.status).toBe(400);
	expect(await response.json()).toMatchObject({
		error: {
			code: 'parameter_unknown',
			param: 'payment_method_types',
			type: 'invalid_request_error'
		}
	});
});
