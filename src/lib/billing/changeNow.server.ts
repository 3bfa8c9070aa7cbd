import type Stripe from 'stripe';
import type { StripeClient } from '#lib/integrations/stripe/stripe.server.ts';
import { previewInvoice } from './changePreview.server.ts';
import { idOf } from './checkout.server.ts';
import type { BilledChange, Outcome } from './changeTypes.ts';
import { mirrorInvoice } from './invoices.server.ts';

/**
 * Makes a change that is charged at once. What is charged is what was shown: the same second, and nothing at all when
 * the invoice would be another one by now. A payment that fails leaves the subscription as it was.
 * @throws {StripeVendorError}
 */
export async function changeNow(
	client: StripeClient,
	change: BilledChange,
	price: string
): Promise<Outcome> {
	const { subscription } = change;
	const wanted = { price, quantity: change.toQuantity };
	let current = await client.subscriptions.retrieve(subscription);
	if (!isThere(current, wanted) && !isPending(current, wanted)) {
		const [item] = current.items.data;
		if (!item || !change.prorationDate) return refused('WRONG_STATE');
		const { prorationDate } = change;
		const now = await previewInvoice(current, { item: item.id, ...wanted, prorationDate });
		if ((now?.amount_due ?? 0) !== change.amountDue) return refused('CHANGED_MEANWHILE');
		await client.subscriptions.update(
			subscription,
			{
				items: [{ id: item.id, ...wanted }],
				proration_behavior: 'always_invoice',
				proration_date: prorationDate.getTime() / 1000,
				// Applied with the payment or not at all.
				payment_behavior: 'pending_if_incomplete'
			},
			`change:${change.id}`
		);
		current = await client.subscriptions.retrieve(subscription);
	}
	// What changes while it is tried makes no invoice: the latest is that of its beginning.
	const stripeInvoiceId = current.status === 'trialing' ? null : idOf(current.latest_invoice);
	if (isThere(current, wanted)) return { status: 'applied', stripeInvoiceId };
	if (!stripeInvoiceId) return refused('VENDOR_FAILED');
	return unpaid(client, stripeInvoiceId);
}

/** Whether a change that waits for its payment has it by now. @throws {StripeVendorError} */
export async function lookAtPayment(
	client: StripeClient,
	change: BilledChange,
	price: string
): Promise<Outcome> {
	const current = await client.subscriptions.retrieve(change.subscription);
	const { stripeInvoiceId } = change;
	if (isThere(current, { price, quantity: change.toQuantity }))
		return { status: 'applied', stripeInvoiceId };
	const invoice = stripeInvoiceId ? await client.invoices.retrieve(stripeInvoiceId) : null;
	if (invoice?.status === 'open') return { status: 'waiting_payment', stripeInvoiceId };
	return refused('PAYMENT_EXPIRED', { stripeInvoiceId });
}

/** The bank wants the customer to confirm: the invoice stays open for a day. Anything else: no payment, no change. */
async function unpaid(client: StripeClient, stripeInvoiceId: string): Promise<Outcome> {
	const intent = await intentOf(client, stripeInvoiceId);
	if (intent && (CONFIRMABLE.includes(intent.status) || wantsConfirmation(intent)))
		return { status: 'waiting_payment', stripeInvoiceId };
	const invoice = await client.invoices.retrieve(stripeInvoiceId);
	// Voided, it can never be paid, so that what waits for it never comes into force.
	if (invoice.status === 'open') await client.invoices.void(stripeInvoiceId);
	const after = await client.invoices.retrieve(stripeInvoiceId);
	if (after.status === 'paid') return { status: 'waiting_payment', stripeInvoiceId };
	await mirrorInvoice(stripeInvoiceId);
	const failure = intent?.last_payment_error;
	return refused(failure ? 'PAYMENT_DECLINED' : 'NO_CARD', {
		stripeInvoiceId,
		declineCode: failure?.decline_code ?? failure?.code ?? null
	});
}

const CONFIRMABLE = ['requires_action', 'processing', 'succeeded'];

/** Charged without the customer, the bank refuses what it would take with a confirmation. */
function wantsConfirmation({ last_payment_error: error }: Stripe.PaymentIntent): boolean {
	return (
		error?.code === 'authentication_required' || error?.decline_code === 'authentication_required'
	);
}

async function intentOf(
	client: StripeClient,
	stripeInvoiceId: string
): Promise<Stripe.PaymentIntent | null> {
	const payments = await client.invoicePayments.ofInvoice(stripeInvoiceId);
	const id = idOf(payments.at(0)?.payment.payment_intent);
	return id ? client.paymentIntents.retrieve(id) : null;
}

function isThere(
	{ items }: Stripe.Subscription,
	wanted: { price: string; quantity: number }
): boolean {
	const [item] = items.data;
	return item?.price.id === wanted.price && (item.quantity ?? 1) === wanted.quantity;
}

function isPending(
	{ pending_update: update }: Stripe.Subscription,
	wanted: { price: string; quantity: number }
): boolean {
	const [item] = update?.subscription_items ?? [];
	return idOf(item?.price) === wanted.price && (item?.quantity ?? 1) === wanted.quantity;
}

export function refused(error: string, more: Partial<Outcome> = {}): Outcome {
	return { status: 'refused', error, ...more };
}
