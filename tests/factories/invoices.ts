import { db } from '#lib/core/db.server.ts';
import { refreshSubscription } from '#lib/billing/refresh.server.ts';
import type { TestStripe } from '../setup/stripe.ts';
import { adopt, aSignup, payFor } from './billing.ts';
import { aPlan } from './plans.ts';

interface Options {
	/** Minor units. */
	amount?: number;
	currency?: string;
	card?: string;
}

/** A first invoice that was paid at Stripe, mirrored. */
export async function aPaidInvoice(stripe: TestStripe, options: Options = {}) {
	const plan = await aPlan({ amount: options.amount ?? 4_900 });
	if (options.currency)
		await db.planPrice.updateMany({
			where: { planId: plan.id },
			data: { currency: options.currency }
		});
	const paid = await payFor(stripe, await aSignup({ planId: plan.id }), { card: options.card });
	const { customer, subscription } = await adopt(paid);
	await refreshSubscription(paid.stripeSubscriptionId);
	const invoice = await db.invoice.findFirstOrThrow({ where: { customerId: customer.id } });
	return { customer, subscription, paid, invoice, stripeInvoiceId: invoice.stripeInvoiceId! };
}

/** A second invoice whose payment was declined: the card pays once and never again (…0341). */
export async function anOpenInvoice(stripe: TestStripe, options: Options = {}) {
	const first = await aPaidInvoice(stripe, { card: '4000000000000341', ...options });
	const { stripeSubscriptionId } = first.paid;
	const { items } = await stripe.api.subscriptions.retrieve(stripeSubscriptionId);
	await stripe.api.subscriptions.update(stripeSubscriptionId, {
		items: [{ id: items.data[0]!.id, quantity: 3 }],
		proration_behavior: 'always_invoice'
	});
	await refreshSubscription(stripeSubscriptionId);
	const invoice = await db.invoice.findFirstOrThrow({
		where: { customerId: first.customer.id, status: 'open' }
	});
	return { ...first, invoice, stripeInvoiceId: invoice.stripeInvoiceId! };
}

/** Saves a test card for a customer and makes it the one that is charged. @param card digits */
export async function giveCard(
	stripe: TestStripe,
	stripeSubscriptionId: string,
	card: string
): Promise<void> {
	const subscription = await stripe.api.subscriptions.retrieve(stripeSubscriptionId);
	const customer = String(subscription.customer);
	const method = await stripe.api.paymentMethods.create({
		type: 'card',
		card: { number: card, exp_month: 12, exp_year: 2034, cvc: '123' }
	});
	await stripe.api.paymentMethods.attach(method.id, { customer });
	await stripe.api.customers.update(customer, {
		invoice_settings: { default_payment_method: method.id }
	});
	await stripe.api.subscriptions.update(stripeSubscriptionId, {
		default_payment_method: method.id
	});
}
