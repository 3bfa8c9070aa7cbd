import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestStripe } from './testing.ts';

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

test('starts, lists by status, and is cancelled at the end or at once', async () => {
	const price = await lab.monthly();
	const { id } = await customer();
	const made = await lab.stripe.subscriptions.create({
		customer: id,
		items: [{ price: price.id }],
		metadata: { a: '1' }
	});
	expect(made).toMatchObject({ status: 'active', metadata: { a: '1' } });
	const ending = await lab.stripe.subscriptions.update(made.id, { cancel_at_period_end: true });
	expect(ending.cancel_at).toBe(ending.items.data[0]?.current_period_end);
	const resumed = await lab.stripe.subscriptions.update(made.id, {
		cancel_at_period_end: false,
		metadata: { a: '', b: '2' }
	});
	expect(resumed).toMatchObject({ cancel_at: null, canceled_at: null, metadata: { b: '2' } });
	const gone = await lab.stripe.subscriptions.cancel(made.id, {
		invoice_now: false,
		prorate: false
	});
	expect(gone).toMatchObject({
		status: 'canceled',
		cancellation_details: { reason: 'cancellation_requested' }
	});
	expect((await types())[0]).toBe('customer.subscription.deleted');
	expect((await lab.stripe.subscriptions.list({ customer: id })).data).toHaveLength(0);
	expect((await lab.stripe.subscriptions.list({ customer: id, status: 'all' })).data).toHaveLength(
		1
	);
	await expect(lab.stripe.subscriptions.cancel(made.id)).rejects.toMatchObject({
		statusCode: 404,
		code: 'resource_missing'
	});
	await expect(
		lab.stripe.subscriptions.update(made.id, { items: [{ price: price.id }] })
	).rejects.toMatchObject({ code: 'parameter_unknown' });
});

test('without a payment method, or with one that is refused', async () => {
	const price = await lab.monthly();
	const bare = await lab.stripe.customers.create({});
	const items = [{ price: price.id }];
	await expect(lab.stripe.subscriptions.create({ customer: bare.id, items })).rejects.toMatchObject(
		{ code: 'resource_missing' }
	);
	const { id } = await customer('pm_card_chargeCustomerFail');
	const incomplete = await lab.stripe.subscriptions.create({
		customer: id,
		items,
		expand: ['latest_invoice']
	});
	expect(incomplete).toMatchObject({
		status: 'incomplete',
		latest_invoice: { status: 'open', attempt_count: 1 }
	});
	await expect(
		lab.stripe.subscriptions.create({
			customer: id,
			items,
			payment_behavior: 'error_if_incomplete'
		})
	).rejects.toMatchObject({ statusCode: 402, code: 'card_declined' });
	expect((await lab.stripe.subscriptions.list({ customer: id, status: 'all' })).data).toHaveLength(
		1
	);
});

test('an upgrade is prorated to the second, as its preview said', async () => {
	const [basic, pro] = [await lab.monthly(3000), await lab.monthly(6000, 'Pro')];
	const { id } = await customer();
	const made = await lab.stripe.subscriptions.create({
		customer: id,
		items: [{ price: basic.id }]
	});
	const [item] = made.items.data;
	const { current_period_start: start = 0, current_period_end: end = 0 } = item ?? {};
	const middle = start + Math.floor((end - start) / 2);
	const change = {
		items: [{ id: item?.id, price: pro.id }],
		proration_behavior: 'always_invoice' as const,
		proration_date: middle
	};
	const preview = await lab.stripe.invoices.createPreview({
		subscription: made.id,
		subscription_details: change
	});
	expect(preview.total).toBe(1500);
	expect(preview.lines.data.map(({ amount }) => amount)).toEqual([-1500, 3000]);
	expect(preview.lines.data[0]?.parent?.subscription_item_details?.proration).toBe(true);
	const changed = await lab.stripe.subscriptions.update(made.id, {
		...change,
		expand: ['latest_invoice']
	});
	expect(changed.items.data).toMatchObject([{ id: item?.id, price: { id: pro.id } }]);
	expect(changed.latest_invoice).toMatchObject({
		total: 1500,
		status: 'paid',
		billing_reason: 'subscription_update'
	});
});

test('create_prorations waits for the renewal; a change without the item id adds a second item', async () => {
	const [basic, pro] = [await lab.monthly(3000), await lab.monthly(6000, 'Pro')];
	const { id } = await customer();
	const made = await lab.stripe.subscriptions.create({
		customer: id,
		items: [{ price: basic.id }]
	});
	const added = await lab.stripe.subscriptions.update(made.id, {
		items: [{ price: pro.id }],
		proration_behavior: 'none'
	});
	expect(added.items.data).toHaveLength(2);
	const [first, second] = added.items.data;
	const removed = await lab.stripe.subscriptionItems.del(second?.id ?? '', {
		proration_behavior: 'none'
	});
	expect(removed.deleted).toBe(true);
	await expect(lab.stripe.subscriptionItems.del(first?.id ?? '')).rejects.toThrow(
		/at least one active plan/
	);
	const invoices = (await lab.stripe.invoices.list({ subscription: made.id })).data.length;
	await lab.stripe.subscriptions.update(made.id, { items: [{ id: first?.id, price: pro.id }] });
	expect((await lab.stripe.invoices.list({ subscription: made.id })).data).toHaveLength(invoices);
	const next = await lab.stripe.invoices.createPreview({ subscription: made.id });
	expect(next.lines.data).toHaveLength(3);
	await expect(
		lab.stripe.subscriptions.update(made.id, { items: [{ id: 'si_none', price: pro.id }] })
	).rejects.toMatchObject({ code: 'resource_missing' });
});

test('an upgrade that is not paid waits as pending_update, and takes effect with the payment', async () => {
	const [basic, pro] = [await lab.monthly(3000), await lab.monthly(6000, 'Pro')];
	const { id, method } = await customer();
	const made = await lab.stripe.subscriptions.create({
		customer: id,
		items: [{ price: basic.id }]
	});
	const bad = await lab.stripe.paymentMethods.attach('pm_card_chargeCustomerFail', {
		customer: id
	});
	await lab.stripe.subscriptions.update(made.id, { default_payment_method: bad.id });
	const change = {
		items: [{ id: made.items.data[0]?.id, price: pro.id }],
		proration_behavior: 'always_invoice' as const
	};
	await expect(
		lab.stripe.subscriptions.update(made.id, { ...change, payment_behavior: 'error_if_incomplete' })
	).rejects.toMatchObject({ statusCode: 402 });
	const held = await lab.stripe.subscriptions.update(made.id, {
		...change,
		payment_behavior: 'pending_if_incomplete',
		expand: ['latest_invoice']
	});
	expect(held).toMatchObject({
		status: 'active',
		items: { data: [{ price: { id: basic.id } }] },
		pending_update: { subscription_items: [{ price: { id: pro.id } }] }
	});
	await expect(
		lab.stripe.subscriptions.update(made.id, {
			...change,
			payment_behavior: 'pending_if_incomplete',
			metadata: { a: '1' }
		})
	).rejects.toMatchObject({ code: 'parameter_unknown' });
	const { latest_invoice: latest } = held;
	const invoice = typeof latest === 'string' ? latest : (latest?.id ?? '');
	await lab.stripe.invoices.pay(invoice, { payment_method: method });
	const applied = await lab.stripe.subscriptions.retrieve(made.id);
	expect(applied).toMatchObject({
		pending_update: null,
		items: { data: [{ price: { id: pro.id } }] }
	});
	expect(await types()).toContain('customer.subscription.pending_update_applied');
});

test('trial_end moves the next charge without proration', async () => {
	const { subscription } = await lab.paid();
	const end = lab.kernel.clock.now() + 40 * DAY;
	const moved = await lab.stripe.subscriptions.update(subscription.id, {
		trial_end: end,
		proration_behavior: 'none',
		expand: ['latest_invoice']
	});
	expect(moved).toMatchObject({
		status: 'trialing',
		trial_end: end,
		items: { data: [{ current_period_end: end }] }
	});
	expect(moved.latest_invoice).toMatchObject({ total: 0, status: 'paid' });
	await expect(
		lab.stripe.subscriptions.update(subscription.id, { trial_end: 1 })
	).rejects.toMatchObject({ param: 'trial_end' });
});
