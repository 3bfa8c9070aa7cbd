import type Stripe from 'stripe';
import { StripeVendorError } from '#lib/integrations/stripe/errors.ts';
import type { StripeClient } from '#lib/integrations/stripe/stripe.server.ts';
import type { RefundOrderStatus } from '#prisma/generated/client.ts';
import { idOf } from './checkout.server.ts';
import type { StripeOrder } from './refundChain.server.ts';

/** What Stripe has of the money of one invoice. Amounts in minor units. */
interface Standing {
	paid: number;
	/** Given back or on its way back. */
	given: number;
	refunds: Stripe.Refund[];
	disputes: Stripe.Dispute[];
}

const OPEN_DISPUTE = [
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
	const verdict = verdictOn(before);
	if (verdict !== 'open') return verdict;
	await refund(client, order, invoice, before.paid - before.given);
	return verdictOn(await standingOf(client, invoice.id));
}

/** What the state at Stripe means; `open` when there is something to give back now. */
function verdictOn({ paid, given, refunds, disputes }: Standing): RefundOrderStatus {
	// Paid outside Stripe: somebody has to give it back outside Stripe.
	if (paid === 0) return 'failed';
	const left = paid - given;
	if (disputes.some(({ status }) => OPEN_DISPUTE.includes(status))) return 'waiting_dispute';
	if (disputes.some(({ status }) => status === 'lost')) return 'charged_back';
	// One that bounced is on our balance again. Where it should go now is for a person to find out.
	if (left > 0) return refunds.some(hasFailed) ? 'failed' : 'open';
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

async function standingOf(client: StripeClient, invoice: string): Promise<Standing> {
	const standing: Standing = { paid: 0, given: 0, refunds: [], disputes: [] };
	for (const payment of await client.invoicePayments.ofInvoice(invoice)) {
		const intent = idOf(payment.payment.payment_intent);
		if (payment.status !== 'paid' || !intent) continue;
		standing.paid += payment.amount_paid ?? 0;
		standing.refunds.push(...(await client.refunds.ofIntent(intent)));
		standing.disputes.push(...(await client.disputes.ofIntent(intent)));
	}
	standing.given = standing.refunds
		.filter((one) => !hasFailed(one))
		.reduce((sum, { amount }) => sum + amount, 0);
	return standing;
}

/**
 * A credit note with a refund: one call that does both or neither. After a lost answer the same key brings the same
 * credit note; Stripe also keeps failures under a key, so what comes back as a stored one is asked for under the next.
 */
async function refund(
	client: StripeClient,
	order: StripeOrder,
	invoice: Stripe.Invoice,
	amount: number
): Promise<void> {
	const params: Stripe.CreditNoteCreateParams = {
		invoice: invoice.id,
		amount,
		refund_amount: amount,
		// We mail ourselves, in the customer's language.
		email_type: 'none',
		metadata: { signup_id: order.signupId, refund_order: order.id, purpose: order.purpose },
		...(order.purpose === 'duplicate' && { reason: 'duplicate' })
	};
	const key = keyOf(order, invoice);
	for (let turn = 1; ; turn++) {
		try {
			await client.creditNotes.create(params, turn === 1 ? key : `${key}:${turn}`);
			return;
		} catch (error) {
			if (!isStoredFailure(error) || turn === KEYS) throw error;
		}
	}
}

/** The refund of a signup's first invoice is `refund:<signup>`; everything else says what it is for besides. */
function keyOf(order: StripeOrder, invoice: Stripe.Invoice): string {
	const first = order.purpose === 'signup' && invoice.billing_reason === 'subscription_create';
	return first ? `refund:${order.signupId}` : `refund:${order.signupId}:${invoice.id}`;
}

function isStoredFailure(error: unknown): boolean {
	return error instanceof StripeVendorError && error.replayed && error.kind === 'vendor';
}

function hasFailed(refund: Stripe.Refund): boolean {
	return refund.status === 'failed' || refund.status === 'canceled';
}
