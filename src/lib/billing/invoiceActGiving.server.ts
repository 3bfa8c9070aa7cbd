import type Stripe from 'stripe';
import type { StripeClient } from '#lib/integrations/stripe/stripe.server.ts';
import type { InvoiceAct } from '#prisma/generated/client.ts';
import { sumOf } from './attempts.server.ts';
import { idOf } from './checkout.server.ts';
import { hasFailed, OPEN_DISPUTE, standingOf, underFreshKey } from './giveBack.server.ts';
import { failed, keyOf, refusal, refused } from './invoiceActOutcome.server.ts';
import type { Outcome } from './invoiceActTypes.ts';

/**
 * Money back: a credit note that refunds, in one call that does both or neither, so that the books agree. A credit note
 * whose refund bounced stands, so that the money goes once more alone.
 */
export async function giveRefund(
	client: StripeClient,
	act: InvoiceAct,
	invoice: Stripe.Invoice
): Promise<Outcome> {
	const amount = act.amount ?? 0;
	let note = await noteOf(client, act, invoice);
	if (!note && act.status === 'ordered') {
		if (invoice.status !== 'paid') return failed('not_paid');
		const { paid, given, disputes } = await standingOf(client, invoice.id);
		if (paid === 0) return failed('paid_outside');
		if (disputes.some(({ status }) => OPEN_DISPUTE.includes(status) || status === 'lost'))
			return failed('disputed');
		if (paid - given < amount) return failed('nothing_left');
		const made = await issue(client, act, invoice, { refund_amount: amount });
		if (!('id' in made)) return made;
		note = made;
	}
	if (!note) return failed('nothing_left');
	let sent = await refundsOf(client, act, invoice, note);
	const missing = amount - sumOf(sent.filter(alive), 'amount');
	if (missing > 0 && act.status === 'ordered') {
		const no = await sendAlone(client, act, invoice, missing);
		if (no) return { ...no, stripeObjectId: note.id };
		sent = await refundsOf(client, act, invoice, note);
	}
	const stripeObjectId = note.id;
	const arrived = sent.filter(alive);
	if (sumOf(arrived, 'amount') < amount) return { ...failed('bounced'), stripeObjectId };
	const isThere = arrived.every(({ status }) => status === 'succeeded');
	return { status: isThere ? 'done' : 'pending', stripeObjectId };
}

/** No money back: what is owed becomes less; what was paid already is a balance for the next invoices. */
export async function giveCreditNote(
	client: StripeClient,
	act: InvoiceAct,
	invoice: Stripe.Invoice
): Promise<Outcome> {
	const known = await noteOf(client, act, invoice);
	if (known) return { status: 'done', stripeObjectId: known.id };
	if (act.status !== 'ordered') return failed('nothing_left');
	if (invoice.status !== 'open' && invoice.status !== 'paid') return failed('not_open');
	const owed = invoice.status === 'open' ? invoice.amount_remaining : 0;
	const rest = Math.max(0, (act.amount ?? 0) - owed);
	const made = await issue(client, act, invoice, rest > 0 ? { credit_amount: rest } : {});
	return 'id' in made ? { status: 'done', stripeObjectId: made.id } : made;
}

/** The one that this act made, also when its answer was lost. */
async function noteOf(
	client: StripeClient,
	act: InvoiceAct,
	invoice: Stripe.Invoice
): Promise<Stripe.CreditNote | null> {
	const notes = await client.creditNotes.ofInvoice(invoice.id);
	return notes.find((note) => note.metadata?.invoice_act === act.id) ?? null;
}

async function issue(
	client: StripeClient,
	act: InvoiceAct,
	invoice: Stripe.Invoice,
	where: { refund_amount?: number; credit_amount?: number }
): Promise<Stripe.CreditNote | Outcome> {
	const params: Stripe.CreditNoteCreateParams = {
		invoice: invoice.id,
		amount: act.amount ?? 0,
		...where,
		// We mail ourselves, in the customer's language.
		email_type: 'none',
		// Not as the memo: that is printed for the customer.
		metadata: { invoice_act: act.id, reason: (act.reason ?? '').slice(0, 500) }
	};
	try {
		await underFreshKey(keyOf(act), (key) => client.creditNotes.create(params, key));
	} catch (error) {
		return refused(refusal(error));
	}
	return (await noteOf(client, act, invoice)) ?? failed('refused');
}

/** The refunds of its credit note, and those that were sent after one of them bounced. */
async function refundsOf(
	client: StripeClient,
	act: InvoiceAct,
	invoice: Stripe.Invoice,
	note: Stripe.CreditNote
): Promise<Stripe.Refund[]> {
	const own = new Set(note.refunds.map(({ refund }) => idOf(refund)));
	const { refunds } = await standingOf(client, invoice.id);
	return refunds.filter((one) => own.has(one.id) || one.metadata?.invoice_act === act.id);
}

/** @returns what Stripe said if it said no */
async function sendAlone(
	client: StripeClient,
	act: InvoiceAct,
	invoice: Stripe.Invoice,
	missing: number
): Promise<Outcome | null> {
	let rest = missing;
	for (const { intent, amount: left } of (await standingOf(client, invoice.id)).left) {
		const amount = Math.min(rest, left);
		if (amount <= 0) continue;
		const params = { payment_intent: intent, amount, metadata: { invoice_act: act.id } };
		try {
			await underFreshKey(`${keyOf(act)}:${intent}`, (key) => client.refunds.create(params, key));
		} catch (error) {
			return refused(refusal(error));
		}
		rest -= amount;
	}
	return rest > 0 ? failed('nothing_left') : null;
}

function alive(refund: Stripe.Refund): boolean {
	return !hasFailed(refund);
}
