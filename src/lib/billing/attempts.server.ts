import type Stripe from 'stripe';
import { now } from '#lib/core/clock.server.ts';
import type { Tx } from '#lib/core/db.server.ts';
import type { StripeClient } from '#lib/integrations/stripe/stripe.server.ts';
import type { Invoice } from '#prisma/generated/client.ts';
import { idOf } from './checkout.server.ts';
import { moment } from './subscriptionWrite.server.ts';

/** One payment of an invoice: Stripe asks the bank for it until it is paid or given up, each time with a new charge. */
export interface Payment {
	payment: Stripe.InvoicePayment;
	intent: Stripe.PaymentIntent;
	/** Newest first. */
	charges: Stripe.Charge[];
	/** Of its charges. */
	disputes: Stripe.Dispute[];
}

/** What an attempt's row holds beside whose it is. */
type Attempt = {
	stripePaymentIntentId: string;
	stripeChargeId: string | null;
	status: string;
	amount: number;
	currency: string;
	declineCode: string | null;
	adviceCode: string | null;
	message: string | null;
	at: Date;
};

/** The payments of an invoice, with every charge and dispute of each. */
export async function paymentsOf(client: StripeClient, invoice: string): Promise<Payment[]> {
	const found: Payment[] = [];
	for (const payment of await client.invoicePayments.ofInvoice(invoice)) {
		const id = idOf(payment.payment.payment_intent);
		if (!id) continue;
		const charges = await client.charges.ofIntent(id);
		found.push({
			payment,
			intent: await client.paymentIntents.retrieve(id),
			charges,
			disputes: charges.some(({ disputed }) => disputed) ? await client.disputes.ofIntent(id) : []
		});
	}
	return found;
}

/** The history of an invoice's attempts: one row for each time that the bank was asked, and for what kept it from being asked. */
export async function writeAttempts(
	tx: Tx,
	invoice: Invoice,
	payments: readonly Payment[]
): Promise<void> {
	const known = await tx.paymentAttempt.findMany({ where: { invoiceId: invoice.id } });
	for (const payment of payments) {
		const charges = payment.charges.toReversed().map((charge) => chargeAttempt(payment, charge));
		const waiting = withoutCharge(payment, invoice.attemptCount);
		for (const attempt of waiting ? [...charges, waiting] : charges) {
			const row = known.find(
				(one) =>
					one.stripePaymentIntentId === attempt.stripePaymentIntentId &&
					one.stripeChargeId === attempt.stripeChargeId &&
					(attempt.stripeChargeId !== null || one.status === attempt.status)
			);
			if (!row)
				await tx.paymentAttempt.create({
					data: { customerId: invoice.customerId, invoiceId: invoice.id, ...attempt }
				});
			else if (attempt.stripeChargeId)
				await tx.paymentAttempt.update({ where: { id: row.id }, data: attempt });
		}
		// A state without a charge is history only as long as no charge says more of the same.
		const said = new Set(['succeeded', 'processing', 'requires_payment_method']);
		const stale = known.filter(
			(one) =>
				one.stripePaymentIntentId === payment.intent.id &&
				one.stripeChargeId === null &&
				said.has(one.status) &&
				one.status !== waiting?.status
		);
		if (charges.length > 0 && stale.length > 0)
			await tx.paymentAttempt.deleteMany({ where: { id: { in: stale.map(({ id }) => id) } } });
	}
}

/** @returns null when the payment's charges say everything that there is to say, or nobody has tried yet */
function withoutCharge(payment: Payment, tried: number): Attempt | null {
	const { intent, charges } = payment;
	const failure = intent.last_payment_error;
	const wantsPerson = intent.status === 'requires_action';
	if (intent.status === 'canceled' || intent.status === 'succeeded') return null;
	if (failure ? charges.some(({ id }) => id === failure.charge) : charges.length > 0)
		if (!wantsPerson) return null;
	if (intent.status === 'requires_payment_method' && !failure && tried === 0) return null;
	return {
		stripePaymentIntentId: intent.id,
		stripeChargeId: null,
		status: intent.status,
		amount: payment.payment.amount_requested,
		currency: payment.payment.currency,
		declineCode: wantsPerson
			? 'authentication_required'
			: failure
				? (failure.decline_code ?? failure.code ?? null)
				: intent.status === 'requires_payment_method'
					? 'no_payment_method'
					: null,
		adviceCode: failure?.advice_code ?? null,
		message: failure?.message ?? null,
		at: now()
	};
}

function chargeAttempt({ intent }: Payment, charge: Stripe.Charge): Attempt {
	const failed = charge.status === 'failed';
	// The intent knows the reason of its last failure best; of earlier ones the charge tells.
	const last = intent.last_payment_error;
	const own = failed && last?.charge === charge.id ? last : null;
	return {
		stripePaymentIntentId: intent.id,
		stripeChargeId: charge.id,
		status: charge.status,
		amount: charge.amount,
		currency: charge.currency,
		declineCode: failed
			? (own?.decline_code ?? charge.outcome?.reason ?? own?.code ?? charge.failure_code)
			: null,
		adviceCode: failed ? (own?.advice_code ?? charge.outcome?.advice_code ?? null) : null,
		message: failed ? (charge.failure_message ?? own?.message ?? null) : null,
		at: moment(charge.created) ?? now()
	};
}

/** Adds up one amount, in minor units. */
export function sumOf<Key extends string>(rows: readonly Record<Key, number>[], key: Key): number {
	return rows.reduce((sum, row) => sum + row[key], 0);
}
