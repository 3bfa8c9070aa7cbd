import type Stripe from 'stripe';
import type { StripeVendorError } from '#lib/integrations/stripe/errors.ts';
import type { StripeClient } from '#lib/integrations/stripe/stripe.server.ts';
import type { InvoiceAct, InvoiceActKind } from '#prisma/generated/client.ts';
import { idOf } from './checkout.server.ts';
import { underFreshKey } from './giveBack.server.ts';
import { giveCreditNote, giveRefund } from './invoiceActGiving.server.ts';
import { failed, keyOf, refusal, refused } from './invoiceActOutcome.server.ts';
import type { Outcome } from './invoiceActTypes.ts';

/** Looks, does what is missing, and looks again. Only what an act that is `ordered` lacks is done. */
type Effect = (client: StripeClient, act: InvoiceAct, invoice: Stripe.Invoice) => Promise<Outcome>;

/** Each kind of act at Stripe. Every one can run any number of times. @throws {StripeVendorError} to be tried again */
export const ACT_EFFECTS: Record<InvoiceActKind, Effect> = {
	retry: charge,
	mark_paid: markPaid,
	void: voidIt,
	refund: giveRefund,
	credit_note: giveCreditNote
};

async function charge(
	client: StripeClient,
	act: InvoiceAct,
	invoice: Stripe.Invoice
): Promise<Outcome> {
	if (invoice.status === 'paid') return { status: 'done' };
	if (invoice.status !== 'open' && invoice.status !== 'uncollectible') return failed('not_open');
	const before = await intentOf(client, invoice.id);
	if (before?.status === 'processing') return { status: 'pending' };
	if (act.status !== 'ordered') return unpaid(before, null);
	let no: StripeVendorError | null = null;
	try {
		await underFreshKey(keyOf(act), (key) =>
			client.invoices.pay(invoice.id, { off_session: !act.onSession }, key)
		);
	} catch (error) {
		no = refusal(error);
	}
	const after = await client.invoices.retrieve(invoice.id);
	if (after.status === 'paid') return { status: 'done' };
	const intent = await intentOf(client, invoice.id);
	return intent?.status === 'processing' ? { status: 'pending' } : unpaid(intent, no);
}

function unpaid(intent: Stripe.PaymentIntent | null, no: StripeVendorError | null): Outcome {
	const code = no?.declineCode ?? no?.code ?? intent?.last_payment_error?.decline_code ?? null;
	const wantsPerson =
		intent?.status === 'requires_action' ||
		code === 'authentication_required' ||
		(no?.kind === 'declined' && code === 'invoice_payment_intent_requires_action');
	if (wantsPerson) return failed('authentication', null, 'authentication_required');
	// Without a card Stripe says no before it asks a bank.
	if (no?.kind === 'refused' && !intent?.payment_method && !intent?.last_payment_error)
		return failed('no_card', no.message, 'no_payment_method');
	if (no && no.kind !== 'declined') return refused(no);
	return code ? failed('declined', no?.message, code) : failed('not_paid');
}

async function markPaid(
	client: StripeClient,
	act: InvoiceAct,
	invoice: Stripe.Invoice
): Promise<Outcome> {
	const over = await settledOutside(client, invoice);
	if (over || act.status !== 'ordered') return over ?? failed('not_paid');
	// Money that the bank is sending would come on top of what was paid elsewhere.
	if ((await intentOf(client, invoice.id))?.status === 'processing') return failed('on_its_way');
	let no: StripeVendorError | null = null;
	try {
		await underFreshKey(keyOf(act), (key) =>
			client.invoices.pay(invoice.id, { paid_out_of_band: true }, key)
		);
	} catch (error) {
		no = refusal(error);
	}
	const after = await client.invoices.retrieve(invoice.id);
	return (await settledOutside(client, after)) ?? (no ? refused(no) : failed('not_paid'));
}

/** @returns null while it is neither paid nor over */
async function settledOutside(
	client: StripeClient,
	invoice: Stripe.Invoice
): Promise<Outcome | null> {
	if (invoice.status === 'void' || invoice.status === 'draft') return failed('not_open');
	if (invoice.status !== 'paid') return null;
	const payments = await client.invoicePayments.ofInvoice(invoice.id);
	return payments.some(({ status }) => status === 'paid')
		? failed('already_paid')
		: { status: 'done' };
}

async function voidIt(
	client: StripeClient,
	act: InvoiceAct,
	invoice: Stripe.Invoice
): Promise<Outcome> {
	if (invoice.status === 'void') return { status: 'done' };
	if (invoice.status === 'paid') return failed('already_paid');
	if (invoice.status === 'draft' || act.status !== 'ordered') return failed('not_open');
	if ((await intentOf(client, invoice.id))?.status === 'processing') return failed('on_its_way');
	let no: StripeVendorError | null = null;
	try {
		await client.invoices.void(invoice.id);
	} catch (error) {
		no = refusal(error);
	}
	const after = await client.invoices.retrieve(invoice.id);
	if (after.status === 'void') return { status: 'done' };
	if (after.status === 'paid') return failed('already_paid');
	return no ? refused(no) : failed('not_open');
}

/** The payment that an invoice was last asked for with. */
async function intentOf(
	client: StripeClient,
	invoice: string
): Promise<Stripe.PaymentIntent | null> {
	const payments = await client.invoicePayments.ofInvoice(invoice);
	const open = payments.find(({ status }) => status === 'open') ?? payments[0];
	const id = open && idOf(open.payment.payment_intent);
	return id ? client.paymentIntents.retrieve(id) : null;
}
