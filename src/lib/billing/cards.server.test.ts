import { expect, it } from 'vitest';
import { adopt, aSignup, payFor } from '../../../tests/factories/billing.ts';
import { listenToBilling, waitingJobs } from '../../../tests/setup/billing.ts';
import { testDatabase } from '../../../tests/setup/database.ts';
import { testQueue } from '../../../tests/setup/queue.ts';
import { testStripe } from '../../../tests/setup/stripe.ts';
import { db } from '#lib/core/db.server.ts';
import './jobs.server.ts';
import { mirrorCards, openCardPage, useCard } from './cards.server.ts';
import { mirrorInvoice } from './invoices.server.ts';
import { refreshSubscription } from './refresh.server.ts';
import { mirrorSubscription } from './subscriptions.server.ts';

await testDatabase();
const stripe = await testStripe();
listenToBilling();
await testQueue({ work: false });
const { api } = stripe;

async function paying(card?: string) {
	const paid = await payFor(stripe, await aSignup(), { card });
	const { customer, subscription } = await adopt(paid);
	await refreshSubscription(paid.stripeSubscriptionId);
	await mirrorCards(paid.stripeCustomerId);
	return { paid, customer, subscription };
}
const cardsOf = (customerId: string) =>
	db.paymentMethod.findMany({ where: { customerId }, orderBy: { createdAt: 'asc' } });
const jobs = (customerId: string) =>
	waitingJobs<{ customerId: string; stripePaymentMethodId: string }>('billing.use-card').then(
		(all) => all.filter((job) => job.customerId === customerId)
	);
async function newDefault(customer: string, card: string) {
	const { id } = await api.paymentMethods.attach(card, { customer });
	await api.customers.update(customer, { invoice_settings: { default_payment_method: id } });
	return id;
}
/** A renewal of which the saved card does not want to hear: an invoice that stays open. */
async function failedRenewal(paid: { stripeSubscriptionId: string }) {
	const subscription = await api.subscriptions.update(paid.stripeSubscriptionId, {
		billing_cycle_anchor: { type: 'now' },
		proration_behavior: 'none'
	});
	const invoice = String(subscription.latest_invoice);
	await mirrorInvoice(invoice);
	await mirrorSubscription(paid.stripeSubscriptionId);
	return invoice;
}

it('keeps what people recognise a card by, and nothing else', async () => {
	const { customer, subscription } = await paying();
	const [card, ...more] = await cardsOf(customer.id);
	expect(more).toEqual([]);
	expect(card).toMatchObject({ type: 'card', brand: 'visa', last4: '4242', isDefault: false });
	// Checkout saves it with the subscription, not as the customer's default.
	expect(await db.subscription.findUnique({ where: { id: subscription.id } })).toMatchObject({
		stripePaymentMethodId: card!.stripePaymentMethodId
	});
	expect(JSON.stringify(await cardsOf(customer.id))).not.toContain('42424242');
});

it('notices another card, and says so once', async () => {
	const { paid, customer } = await paying();
	const before = await jobs(customer.id);
	const fresh = await newDefault(paid.stripeCustomerId, 'pm_card_mastercard');
	await mirrorCards(paid.stripeCustomerId);
	await mirrorCards(paid.stripeCustomerId);
	const cards = await cardsOf(customer.id);
	expect(cards.filter(({ isDefault }) => isDefault)).toMatchObject([{ brand: 'mastercard' }]);
	const told = (await jobs(customer.id)).slice(before.length);
	expect(told).toEqual([{ customerId: customer.id, stripePaymentMethodId: fresh }]);
	expect(await mirrorCards('cus_nobody')).toBe('unknown_object');
});

it('pays the open invoice with the new card, once, also when the subscription had a card of its own', async () => {
	const { paid, customer, subscription } = await paying('4000000000000341');
	const [old] = await cardsOf(customer.id);
	await api.subscriptions.update(paid.stripeSubscriptionId, {
		default_payment_method: old!.stripePaymentMethodId
	});
	const invoice = await failedRenewal(paid);
	expect(await db.subscription.findUnique({ where: { id: subscription.id } })).toMatchObject({
		status: 'past_due'
	});
	const fresh = await newDefault(paid.stripeCustomerId, 'pm_card_visa');
	await useCard(customer.id, fresh);
	await useCard(customer.id, fresh);
	expect(await db.invoice.findUnique({ where: { stripeInvoiceId: invoice } })).toMatchObject({
		status: 'paid'
	});
	expect(await db.subscription.findUnique({ where: { id: subscription.id } })).toMatchObject({
		status: 'active',
		pastDueSince: null
	});
	const current = await api.subscriptions.retrieve(paid.stripeSubscriptionId);
	expect(current.default_payment_method).toBe(fresh);
	const payments = await api.invoicePayments.list({ invoice, status: 'paid' });
	expect(payments.data).toHaveLength(1);
});

it('leaves the invoice open when the new card is declined as well', async () => {
	const { paid, customer } = await paying('4000000000000341');
	const invoice = await failedRenewal(paid);
	const fresh = await newDefault(paid.stripeCustomerId, 'pm_card_chargeCustomerFail');
	await useCard(customer.id, fresh);
	expect(await db.invoice.findUnique({ where: { stripeInvoiceId: invoice } })).toMatchObject({
		status: 'open'
	});
});

it("leads to Stripe's own page for the card, and back", async () => {
	const { customer } = await paying();
	const url = await openCardPage(customer.id, 'es', '/tenant/portal/billing');
	expect(url).toMatch(/^http.*\/p\/session\/bps_/);
	await openCardPage(customer.id, 'es', '/tenant/portal/billing');
	const { data } = await api.billingPortal.configurations.list();
	expect(data.filter(({ metadata }) => metadata?.erpcore === 'card')).toHaveLength(1);
});
