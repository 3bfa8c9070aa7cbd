import { afterAll, beforeAll, expect, test } from 'vitest';
import { isObject, startTestStripe, until } from './testing.ts';

let lab: Awaited<ReturnType<typeof startTestStripe>>;
beforeAll(async () => {
	lab = await startTestStripe();
});
afterAll(() => lab.close());

const DAY = 86_400;
const types = async (): Promise<string[]> =>
	(await lab.stripe.events.list({ limit: 100 })).data.map((event) => event.type);

/** A customer with a saved card. */
async function customer(
	card = 'pm_card_visa',
	clock?: string
): Promise<{ id: string; method: string }> {
	const { id } = await lab.stripe.customers.create({
		email: 'c@example.com',
		...(clock ? { test_clock: clock } : {})
	});
	const method = await lab.stripe.paymentMethods.attach(card, { customer: id });
	await lab.stripe.customers.update(id, {
		invoice_settings: { default_payment_method: method.id }
	});
	return { id, method: method.id };
}

test('a test clock renews: draft for an hour, then paid; the writes wait while it advances', async () => {
	const start = 1_800_000_000;
	const clock = await lab.stripe.testHelpers.testClocks.create({ frozen_time: start });
	const { id } = await customer('pm_card_visa', clock.id);
	const made = await lab.stripe.subscriptions.create({
		customer: id,
		items: [{ price: (await lab.monthly()).id }]
	});
	const end = made.items.data[0]?.current_period_end ?? 0;
	expect(made.test_clock).toBe(clock.id);
	const advance = async (to: number): Promise<void> => {
		const going = await lab.stripe.testHelpers.testClocks.advance(clock.id, { frozen_time: to });
		expect(going.status).toBe('advancing');
		await expect(lab.stripe.customers.update(id, { name: 'x' })).rejects.toThrow(
			/advancement underway/
		);
		await until(
			async () => (await lab.stripe.testHelpers.testClocks.retrieve(clock.id)).status === 'ready'
		);
	};
	await advance(end + 600);
	const [draft] = (await lab.stripe.invoices.list({ subscription: made.id })).data;
	expect(draft).toMatchObject({
		status: 'draft',
		billing_reason: 'subscription_cycle',
		hosted_invoice_url: null,
		invoice_pdf: null
	});
	await advance(end + 3700);
	const renewed = await lab.stripe.subscriptions.retrieve(made.id, { expand: ['latest_invoice'] });
	expect(renewed.latest_invoice).toMatchObject({ id: draft?.id, status: 'paid' });
	expect(renewed.items.data[0]?.current_period_start).toBe(end);
	expect((await types())[0]).toBe('test_helpers.test_clock.ready');
	await expect(
		lab.stripe.testHelpers.testClocks.advance(clock.id, { frozen_time: end + 200 * DAY })
	).rejects.toThrow(/two intervals/);
	await expect(
		lab.stripe.testHelpers.testClocks.advance(clock.id, { frozen_time: start })
	).rejects.toMatchObject({ param: 'frozen_time' });
	expect((await lab.stripe.customers.list({ test_clock: clock.id })).data).toHaveLength(1);
	await lab.stripe.testHelpers.testClocks.del(clock.id);
	expect(await lab.stripe.customers.retrieve(id)).toMatchObject({ deleted: true });
});

test('the sandbox clock renews too; a card that fails later goes past due, retries, and ends it', async () => {
	const { subscription } = await lab.paid('4000000000000341');
	const end = subscription.items.data[0]?.current_period_end ?? 0;
	const at = (time: number): void =>
		lab.kernel.clock.advance((time - lab.kernel.clock.now()) * 1000 + 1000);
	at(end + 3700);
	const late = await lab.stripe.subscriptions.retrieve(subscription.id, {
		expand: ['latest_invoice']
	});
	expect(late).toMatchObject({
		status: 'past_due',
		latest_invoice: { status: 'open', attempt_count: 1 }
	});
	expect(await types()).toContain('invoice.payment_failed');
	at(end + 20 * DAY);
	const ended = await lab.stripe.subscriptions.retrieve(subscription.id, {
		expand: ['latest_invoice']
	});
	expect(ended).toMatchObject({
		status: 'canceled',
		cancellation_details: { reason: 'payment_failed' },
		latest_invoice: { attempt_count: 4 }
	});
});

test('a schedule downgrades at the end of the period, and can be released', async () => {
	const [pro, basic] = [await lab.monthly(6000, 'Pro'), await lab.monthly(3000)];
	const { id } = await customer();
	const made = await lab.stripe.subscriptions.create({ customer: id, items: [{ price: pro.id }] });
	const schedule = await lab.stripe.subscriptionSchedules.create({ from_subscription: made.id });
	const [phase] = schedule.phases;
	const { start_date: start = 0, end_date: end = 0 } = phase ?? {};
	await lab.stripe.subscriptionSchedules.update(schedule.id, {
		end_behavior: 'release',
		phases: [
			{ items: [{ price: pro.id, quantity: 1 }], start_date: start, end_date: end },
			{
				items: [{ price: basic.id, quantity: 1 }],
				duration: { interval: 'month', interval_count: 1 }
			}
		]
	});
	await expect(
		lab.stripe.subscriptions.update(made.id, {
			items: [{ id: made.items.data[0]?.id, price: basic.id }]
		})
	).rejects.toThrow(/managed by the subscription schedule/);
	lab.kernel.clock.advance((end - lab.kernel.clock.now() + 4000) * 1000);
	const after = await lab.stripe.subscriptions.retrieve(made.id, { expand: ['latest_invoice'] });
	expect(after.items.data).toMatchObject([{ price: { id: basic.id } }]);
	expect(after.latest_invoice).toMatchObject({ total: 3000, status: 'paid' });
	const released = await lab.stripe.subscriptionSchedules.release(schedule.id);
	expect(released).toMatchObject({ status: 'released', released_subscription: made.id });
	expect((await lab.stripe.subscriptions.retrieve(made.id)).schedule).toBeNull();
	await expect(lab.stripe.subscriptionSchedules.release(schedule.id)).rejects.toMatchObject({
		statusCode: 400
	});
});

test('coupons lower the first invoice once, or all of them', async () => {
	const price = await lab.monthly(10_000, 'Max');
	const once = await lab.stripe.coupons.create({ percent_off: 25, duration: 'once' });
	const code = await lab.stripe.promotionCodes.create({
		promotion: { type: 'coupon', coupon: once.id },
		code: 'HOLA'
	});
	const { id } = await customer();
	const made = await lab.stripe.subscriptions.create({
		customer: id,
		items: [{ price: price.id }],
		discounts: [{ promotion_code: code.id }],
		expand: ['latest_invoice', 'discounts']
	});
	expect(made.latest_invoice).toMatchObject({ subtotal: 10_000, total: 7500 });
	expect(made.discounts).toMatchObject([{ source: { coupon: once.id, type: 'coupon' } }]);
	expect((await lab.stripe.invoices.createPreview({ subscription: made.id })).total).toBe(10_000);
	expect((await lab.stripe.promotionCodes.list({ code: 'hola' })).data).toMatchObject([
		{ id: code.id, times_redeemed: 1 }
	]);
	await expect(
		lab.stripe.promotionCodes.create({
			promotion: { type: 'coupon', coupon: once.id },
			code: 'hola'
		})
	).rejects.toMatchObject({ param: 'code' });
	expect(await lab.stripe.coupons.del(once.id)).toMatchObject({ deleted: true });
	await expect(lab.stripe.coupons.retrieve(once.id)).rejects.toMatchObject({ statusCode: 404 });
	await expect(
		lab.stripe.coupons.create({ percent_off: 101, duration: 'once' })
	).rejects.toMatchObject({ param: 'percent_off' });
	await expect(
		lab.stripe.coupons.create({ percent_off: 5, duration: 'repeating' })
	).rejects.toMatchObject({ param: 'duration_in_months' });
});

test('a renewal by bank debit is asked for once and waits for the bank', async () => {
	const { id } = await lab.session();
	await lab.control(`/checkout/${id}/pay`, { card: 'bank' });
	await lab.control(`/checkout/${id}/async`, { outcome: 'succeeded' });
	const session = await lab.stripe.checkout.sessions.retrieve(id, { expand: ['subscription'] });
	if (!isObject(session.subscription)) throw new Error('no subscription');
	const end = session.subscription.items.data[0]?.current_period_end ?? 0;
	lab.kernel.clock.advance((end - lab.kernel.clock.now() + 4000) * 1000);
	const [renewal] = (
		await lab.stripe.invoices.list({
			subscription: session.subscription.id,
			expand: ['data.payments']
		})
	).data;
	expect(renewal).toMatchObject({ status: 'open', attempt_count: 1, next_payment_attempt: null });
	const intent = String(renewal?.payments?.data[0]?.payment.payment_intent);
	expect((await lab.stripe.charges.list({ payment_intent: intent })).data).toMatchObject([
		{ status: 'pending' }
	]);
	await lab.control(`/payment_intents/${intent}/outcome`, { outcome: 'failed' });
	const late = await lab.stripe.subscriptions.retrieve(session.subscription.id);
	expect(late.status).toBe('past_due');
	const events = (await lab.stripe.events.list({ limit: 100 })).data.map((event) => event.type);
	expect(events).toContain('invoice.payment_failed');
	expect(events).not.toContain('checkout.session.async_payment_failed');
});
