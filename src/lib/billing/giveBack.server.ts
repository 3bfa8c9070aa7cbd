import type Stripe from 'stripe';
import { StripeVendorError } from '#lib/integrations/stripe/errors.ts';
import type { StripeClient } from '#lib/integrations/stripe/stripe.server.ts';
import type { RefundOrderStatus } from '#prisma/generated/client.ts';
import { idOf } from './checkout.server.ts';
import type { StripeOrder } from './refundChain.server.ts';

/** What Stripe has of the money of one invoice. Amounts in minor units. */
export interface Standing {
	paid: number;
	/** Given back or on its way back. */
	given: number;
	/** What is left of each payment. */
	left: { intent: string; amount: number }[];
	refunds: Stripe.Refund[];
	disputes: Stripe.Dispute[];
}

export const OPEN_DISPUTE = [
	'warning_needs_response',
	'warning_under_review',
	'needs_response',
	'under_review',
	'appeal_needs_response',
	'appeal_under_review'
];
/** Answers of Stripe's that may be stored ones of an earlier failure are asked for under a new key, this often. */
const KEYS = 5;

/**
 * Gives back what is left of one invoice of a cancelled subscription, and says where that stands.
 * @throws {StripeVendorError}
 */
export async function giveBack(
	client: StripeClient,
	order: StripeOrder,
	invoice: Stripe.Invoice
): Promise<RefundOrderStatus> {
	if (invoice.status === 'open') return closeOpen(client, invoice);
	if (invoice.status !== 'paid' || invoice.amount_paid === 0) return 'nothing';
	const before = await standingOf(client, invoice.id);
	const verdict = verdictOn(before, order);
	if (verdict !== 'open') return verdict;
	if (await mayBeCredited(client, invoice, before)) await credit(client, order, invoice, before);
	else await sendAgain(client, order, invoice, before);
	return verdictOn(await standingOf(client, invoice.id), order);
}

/** What the state at Stripe means; `open` when there is something to give back now. */
function verdictOn(
	{ paid, given, refunds, disputes }: Standing,
	{ sentAgain }: StripeOrder
): RefundOrderStatus {
	// Paid outside Stripe: somebody has to give it back outside Stripe.
	if (paid === 0) return 'failed';
	const left = paid - given;
	if (disputes.some(({ status }) => OPEN_DISPUTE.includes(status))) return 'waiting_dispute';
	if (disputes.some(({ status }) => status === 'lost')) return 'charged_back';
	// One that bounced is on our balance again. Where it should go now is for a person to find out, and to say.
	const isUnanswered = (one: Stripe.Refund) => hasFailed(one) && !sentAgain.includes(one.id);
	if (left > 0) return refunds.some(isUnanswered) ? 'failed' : 'open';
	return refunds.every((one) => one.status === 'succeeded' || hasFailed(one))
		? 'succeeded'
		: 'pending';
}

/**
 * An unpaid invoice of a cancelled subscription can still be paid on Stripe's page, so it is voided; unless a payment
 * is on its way, whose end decides.
 */
async function closeOpen(
	client: StripeClient,
	invoice: Stripe.Invoice
): Promise<RefundOrderStatus> {
	for (const payment of await client.invoicePayments.ofInvoice(invoice.id)) {
		const id = idOf(payment.payment.payment_intent);
		if (id && (await client.paymentIntents.retrieve(id)).status === 'processing')
			return 'waiting_payment';
	}
	await client.invoices.void(invoice.id);
	const after = await client.invoices.retrieve(invoice.id);
	// Paid in this moment: the next look gives it back.
	return after.status === 'void' ? 'nothing' : 'waiting_payment';
}

/** What Stripe has of the money of one invoice now. */
export async function standingOf(client: StripeClient, invoice: string): Promise<Standing> {
	const standing: Standing = { paid: 0, given: 0, left: [], refunds: [], disputes: [] };
	for (const payment of await client.invoicePayments.ofInvoice(invoice)) {
		const intent = idOf(payment.payment.payment_intent);
		if (payment.status !== 'paid' || !intent) continue;
		const paid = payment.amount_paid ?? 0;
		const refunds = await client.refunds.ofIntent(intent);
		const given = refunds
			.filter((one) => !hasFailed(one))
			.reduce((sum, { amount }) => sum + amount, 0);
		standing.paid += paid;
		standing.given += given;
		standing.left.push({ intent, amount: paid - given });
		standing.refunds.push(...refunds);
		standing.disputes.push(...(await client.disputes.ofIntent(intent)));
	}
	return standing;
}

/** A credit note stays when its refund bounces, and no invoice is credited with more than was paid. */
async function mayBeCredited(
	client: StripeClient,
	invoice: Stripe.Invoice,
	{ paid, given, refunds }: Standing
): Promise<boolean> {
	if (!refunds.some(hasFailed)) return true;
	const notes = await client.creditNotes.ofInvoice(invoice.id);
	const credited = notes
		.filter(({ status }) => status === 'issued')
		.reduce((sum, note) => sum + note.post_payment_amount, 0);
	return credited + paid - given <= paid;
}

/** A credit note with a refund: one call that does both or neither. */
async function credit(
	client: StripeClient,
	order: StripeOrder,
	invoice: Stripe.Invoice,
	{ paid, given, refunds }: Standing
): Promise<void> {
	const params: Stripe.CreditNoteCreateParams = {
		invoice: invoice.id,
		amount: paid - given,
		refund_amount: paid - given,
		// We mail ourselves, in the customer's language.
		email_type: 'none',
		metadata: metadataOf(order),
		...(order.purpose === 'duplicate' && { reason: 'duplicate' })
	};
	const key = keyOf(order, invoice, refunds);
	await underFreshKey(key, (fresh) => client.creditNotes.create(params, fresh));
}

/** What bounced goes once more, to where its payment came from. */
async function sendAgain(
	client: StripeClient,
	order: StripeOrder,
	invoice: Stripe.Invoice,
	{ left, refunds }: Standing
): Promise<void> {
	const key = keyOf(order, invoice, refunds);
	for (const { intent, amount } of left) {
		if (amount <= 0) continue;
		const params = { payment_intent: intent, amount, metadata: metadataOf(order) };
		await underFreshKey(`${key}:${intent}`, (fresh) => client.refunds.create(params, fresh));
	}
}

/** After a lost answer the same key brings the same object; Stripe also keeps failures under a key, so what comes back as a stored one is asked for under the next. */
export async function underFreshKey(key: string, create: (key: string) => Promise<unknown>) {
	for (let turn = 1; ; turn++) {
		try {
			await create(turn === 1 ? key : `${key}:${turn}`);
			return;
		} catch (error) {
			if (!isStoredFailure(error) || turn === KEYS) throw error;
		}
	}
}

function metadataOf(order: StripeOrder) {
	return { signup_id: order.signupId, refund_order: order.id, purpose: order.purpose };
}

/**
 * The refund of a signup's first invoice is `refund:<signup>`; everything else says what it is for besides, and after how
 * many that bounced.
 */
function keyOf(order: StripeOrder, invoice: Stripe.Invoice, refunds: Stripe.Refund[]): string {
	const isFirst = order.purpose === 'signup' && invoice.billing_reason === 'subscription_create';
	const key = isFirst ? `refund:${order.signupId}` : `refund:${order.signupId}:${invoice.id}`;
	const bounced = refunds.filter(hasFailed).length;
	return bounced === 0 ? key : `${key}:again-${bounced}`;
}

function isStoredFailure(error: unknown): boolean {
	return error instanceof StripeVendorError && error.replayed && error.kind === 'vendor';
}

/** It did not arrive, and never will: its money is on our balance. */
export function hasFailed(refund: Stripe.Refund): boolean {
	return refund.status === 'failed' || refund.status === 'canceled';
}
