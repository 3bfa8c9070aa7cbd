import Stripe from 'stripe';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestStripe } from './testing.ts';

let lab: Awaited<ReturnType<typeof startTestStripe>>;
beforeAll(async () => {
	lab = await startTestStripe();
});
afterAll(() => lab.close());

const types = async (): Promise<string[]> =>
	(await lab.stripe.events.list({ limit: 20 })).data.map((event) => event.type);

test('the way from an invoice to its refund, and back', async () => {
	const { invoice, intent } = await lab.paid();
	const [payment] = (await lab.stripe.invoicePayments.list({ invoice: invoice.id, status: 'paid' }))
		.data;
	expect(payment?.payment).toMatchObject({ type: 'payment_intent', payment_intent: intent });
	const back = await lab.stripe.invoicePayments.list({
		payment: { type: 'payment_intent', payment_intent: intent }
	});
	expect(back.data).toMatchObject([{ invoice: invoice.id, amount_paid: 2900 }]);
	const part = await lab.stripe.refunds.create({ payment_intent: intent, amount: 900 });
	expect(part).toMatchObject({ status: 'succeeded', amount: 900 });
	await expect(
		lab.stripe.refunds.create({ payment_intent: intent, amount: 2001 })
	).rejects.toMatchObject({ param: 'amount', statusCode: 400 });
	const rest = await lab.stripe.refunds.create({ payment_intent: intent, metadata: { why: 'x' } });
	expect(rest.amount).toBe(2000);
	await expect(lab.stripe.refunds.create({ payment_intent: intent })).rejects.toMatchObject({
		code: 'charge_already_refunded'
	});
	const charge = await lab.stripe.charges.retrieve(String(rest.charge), { expand: ['refunds'] });
	expect(charge).toMatchObject({ refunded: true, amount_refunded: 2900 });
	expect(charge.refunds?.data.map(({ id }) => id)).toEqual([rest.id, part.id]);
	expect((await lab.stripe.refunds.list({ payment_intent: intent })).data).toHaveLength(2);
	expect((await types()).slice(0, 2)).toEqual(['refund.created', 'charge.refunded']);
	await expect(lab.stripe.refunds.create({ payment_intent: 'pi_none' })).rejects.toMatchObject({
		code: 'resource_missing',
		param: 'payment_intent'
	});
});

test('a refund can be pending, then succeed, and still fail later', async () => {
	const { intent } = await lab.paid();
	await lab.control('/refunds/next', { status: 'pending' });
	const refund = await lab.stripe.refunds.create({ payment_intent: intent });
	expect(refund).toMatchObject({ status: 'pending', pending_reason: 'processing' });
	expect(await lab.control(`/refunds/${refund.id}/outcome`, { status: 'succeeded' })).toMatchObject(
		{ status: 'succeeded' }
	);
	expect((await types())[0]).toBe('refund.updated');
	await lab.control(`/refunds/${refund.id}/outcome`, { status: 'failed' });
	const failed = await lab.stripe.refunds.retrieve(refund.id);
	expect(failed).toMatchObject({ status: 'failed' });
	expect(failed.failure_balance_transaction).toMatch(/^txn_/);
	const { data } = await lab.stripe.events.list({ type: 'refund.failed', limit: 1 });
	expect(data[0]?.data).toMatchObject({ previous_attributes: { status: 'succeeded' } });
	expect(
		(await lab.control(`/refunds/${refund.id}/outcome`, { status: 'succeeded' })).http_status
	).toBe(400);
	expect((await lab.stripe.refunds.create({ payment_intent: intent })).status).toBe('succeeded');
});

test('credit notes: the sums must be exact, refunds are made or linked, nothing is credited twice', async () => {
	const { invoice, intent } = await lab.paid();
	const credit = (more: Partial<Stripe.CreditNoteCreateParams>) =>
		lab.stripe.creditNotes.create({ invoice: invoice.id, ...more });
	await expect(credit({ amount: 2900 })).rejects.toThrow(/must equal/);
	await expect(credit({ amount: 3000, refund_amount: 3000 })).rejects.toMatchObject({
		param: 'amount'
	});
	const preview = await lab.stripe.creditNotes.preview({
		invoice: invoice.id,
		amount: 1000,
		refund_amount: 1000
	});
	expect(preview).toMatchObject({ amount: 1000, post_payment_amount: 1000, pre_payment_amount: 0 });
	expect((await lab.stripe.creditNotes.list({ invoice: invoice.id })).data).toHaveLength(0);
	const note = await credit({
		amount: 1000,
		refund_amount: 1000,
		reason: 'product_unsatisfactory',
		email_type: 'none'
	});
	expect(note).toMatchObject({
		status: 'issued',
		type: 'post_payment',
		reason: 'product_unsatisfactory'
	});
	const [made] = note.refunds;
	expect(made).toMatchObject({ amount_refunded: 1000, type: 'refund' });
	const refund = await lab.stripe.refunds.create({ payment_intent: intent, amount: 900 });
	await expect(credit({ amount: 1900, refund_amount: 1900 })).rejects.toMatchObject({
		param: 'amount'
	});
	const linked = await credit({
		amount: 1900,
		refund_amount: 1000,
		refunds: [{ refund: refund.id, amount_refunded: 900 }]
	});
	expect(linked.refunds).toHaveLength(2);
	const after = await lab.stripe.invoices.retrieve(invoice.id ?? '');
	expect(after).toMatchObject({ post_payment_credit_notes_amount: 2900, status: 'paid' });
	await expect(lab.stripe.creditNotes.voidCreditNote(note.id)).rejects.toMatchObject({
		statusCode: 400
	});
	expect(await types()).toContain('credit_note.created');
});

test('an open invoice: paying, another card, voiding, a credit note before payment', async () => {
	const { id } = await lab.stripe.customers.create({ email: 'o@example.com' });
	const bad = await lab.stripe.paymentMethods.attach('pm_card_chargeCustomerFail', {
		customer: id
	});
	const open = async () => {
		const made = await lab.stripe.subscriptions.create({
			customer: id,
			items: [{ price: (await lab.monthly()).id }],
			default_payment_method: bad.id,
			expand: ['latest_invoice.confirmation_secret']
		});
		if (typeof made.latest_invoice === 'string' || !made.latest_invoice)
			throw new Error('no invoice');
		return made.latest_invoice;
	};
	const invoice = await open();
	expect(invoice.confirmation_secret?.client_secret).toMatch(/_secret_/);
	const declined: unknown = await lab.stripe.invoices
		.pay(invoice.id ?? '')
		.catch((error: unknown) => error);
	expect(declined).toBeInstanceOf(Stripe.errors.StripeCardError);
	expect(declined).toMatchObject({
		statusCode: 402,
		code: 'card_declined',
		decline_code: 'generic_decline'
	});
	const good = await lab.stripe.paymentMethods.attach('pm_card_visa', { customer: id });
	expect(
		await lab.stripe.invoices.pay(invoice.id ?? '', { payment_method: good.id })
	).toMatchObject({ status: 'paid', amount_remaining: 0 });
	await expect(lab.stripe.invoices.pay(invoice.id ?? '')).rejects.toThrow(/already paid/);
	await expect(lab.stripe.invoices.voidInvoice(invoice.id ?? '')).rejects.toMatchObject({
		statusCode: 400
	});
	const second = await open();
	const note = await lab.stripe.creditNotes.create({ invoice: second.id ?? '', amount: 900 });
	expect(note).toMatchObject({ type: 'pre_payment', pre_payment_amount: 900 });
	expect((await lab.stripe.invoices.retrieve(second.id ?? '')).amount_remaining).toBe(2000);
	expect(await lab.stripe.creditNotes.voidCreditNote(note.id)).toMatchObject({ status: 'void' });
	expect(await lab.stripe.invoices.voidInvoice(second.id ?? '')).toMatchObject({ status: 'void' });
	const third = await open();
	expect(await lab.stripe.invoices.pay(third.id ?? '', { paid_out_of_band: true })).toMatchObject({
		status: 'paid'
	});
	expect(
		(await lab.stripe.invoicePayments.list({ invoice: third.id ?? '', status: 'paid' })).data
	).toHaveLength(0);
	expect((await lab.stripe.invoices.list({ customer: id, status: 'void' })).data).toHaveLength(1);
	// What was credited is asked of nobody: the card pays the rest, and what is credited whole nobody has paid.
	const fourth = await open();
	await lab.stripe.creditNotes.create({ invoice: fourth.id ?? '', amount: 900 });
	expect(await lab.stripe.invoices.pay(fourth.id ?? '', { payment_method: good.id })).toMatchObject(
		{ status: 'paid', amount_paid: 2000, amount_remaining: 0 }
	);
	const fifth = await open();
	await lab.stripe.creditNotes.create({ invoice: fifth.id ?? '', amount: 2900 });
	expect(await lab.stripe.invoices.retrieve(fifth.id ?? '')).toMatchObject({
		status: 'paid',
		amount_paid: 0
	});
});

test('a disputed charge cannot be refunded', async () => {
	const { intent } = await lab.paid();
	const { id } = await lab.control('/disputes', { payment_intent: intent, reason: 'fraudulent' });
	const dispute = await lab.stripe.disputes.retrieve(String(id));
	expect(dispute).toMatchObject({ status: 'needs_response', payment_intent: intent, amount: 2900 });
	// The money leaves at once, with a fee that stays.
	expect(dispute.balance_transactions).toMatchObject([
		{ amount: -2900, fee: 1500, net: -4400, reporting_category: 'dispute' }
	]);
	await expect(lab.stripe.refunds.create({ payment_intent: intent })).rejects.toMatchObject({
		code: 'charge_disputed'
	});
	expect(await lab.control(`/disputes/${dispute.id}/close`, { status: 'lost' })).toMatchObject({
		status: 'lost'
	});
	expect((await types())[0]).toBe('charge.dispute.closed');
	expect((await lab.stripe.disputes.list({ payment_intent: intent })).data).toHaveLength(1);
	await expect(lab.stripe.refunds.create({ payment_intent: intent })).rejects.toMatchObject({
		code: 'charge_disputed'
	});
});

test('a charge whose dispute was won can be refunded', async () => {
	const { intent } = await lab.paid();
	const { id } = await lab.control('/disputes', { payment_intent: intent });
	await lab.control(`/disputes/${String(id)}/close`, { status: 'won' });
	expect(await lab.stripe.disputes.retrieve(String(id))).toMatchObject({
		balance_transactions: [{ amount: -2900 }, { amount: 2900, fee: 0 }],
		status: 'won',
		is_charge_refundable: true
	});
	expect(await lab.stripe.refunds.create({ payment_intent: intent })).toMatchObject({
		amount: 2900,
		status: 'succeeded'
	});
});

test('payment methods: refused, attached, detached for good; setup intents', async () => {
	const { id } = await lab.stripe.customers.create({});
	await expect(
		lab.stripe.paymentMethods.attach('pm_card_chargeDeclined', { customer: id })
	).rejects.toMatchObject({ statusCode: 402 });
	const method = await lab.stripe.paymentMethods.create({
		type: 'card',
		card: { token: 'tok_visa' }
	});
	expect(method).toMatchObject({ customer: null, card: { last4: '4242', brand: 'visa' } });
	await lab.stripe.paymentMethods.attach(method.id, { customer: id });
	expect((await lab.stripe.customers.listPaymentMethods(id)).data).toMatchObject([
		{ id: method.id }
	]);
	await lab.stripe.paymentMethods.detach(method.id);
	await expect(lab.stripe.paymentMethods.attach(method.id, { customer: id })).rejects.toMatchObject(
		{ statusCode: 400 }
	);
	const setup = await lab.stripe.setupIntents.create({
		customer: id,
		payment_method: 'pm_card_visa',
		confirm: true,
		return_url: 'http://app.test/'
	});
	expect(setup.status).toBe('succeeded');
	expect((await types())[0]).toBe('setup_intent.succeeded');
	await expect(
		lab.stripe.customers.update(id, { invoice_settings: { default_payment_method: method.id } })
	).rejects.toMatchObject({ code: 'resource_missing' });
});

test('the portal wants a configuration, and shows invoices', async () => {
	const { customer } = await lab.paid();
	await expect(lab.stripe.billingPortal.sessions.create({ customer })).rejects.toThrow(
		/default configuration has not been created/
	);
	await lab.control('/portal/default');
	const portal = await lab.stripe.billingPortal.sessions.create({
		customer,
		return_url: 'http://app.test/portal'
	});
	const page = await fetch(portal.url);
	const text = await page.text();
	expect(page.status).toBe(200);
	expect(text).toContain('Portal de facturación');
	expect(text).toContain('http://app.test/portal');
	const [subscription] = (await lab.stripe.subscriptions.list({ customer })).data;
	const cancel = new URLSearchParams({ act: 'cancel', subscription: subscription?.id ?? '' });
	await fetch(portal.url, { method: 'POST', body: cancel, redirect: 'manual' });
	expect(
		(await lab.stripe.subscriptions.retrieve(subscription?.id ?? '')).cancel_at_period_end
	).toBe(true);
	expect((await fetch(portal.url.replace(/.{4}$/, 'nope'))).status).toBe(404);
});
