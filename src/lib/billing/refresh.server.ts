import { stripeClient } from '#lib/settings/clients.server.ts';
import { mirrorCards } from './cards.server.ts';
import { idOf } from './checkout.server.ts';
import { mirrorInvoice, type MirroredInvoice } from './invoices.server.ts';
import { mirrorCreditNote, mirrorDispute, mirrorRefund } from './moneyBack.server.ts';
import { mirrorSubscription } from './subscriptions.server.ts';

/**
 * Reads a subscription and all that hangs on it from Stripe: for one that we have just learned of, whose events may
 * have passed before we knew whose they were.
 */
export async function refreshSubscription(stripeSubscriptionId: string): Promise<void> {
	await mirrorSubscription(stripeSubscriptionId);
	await refreshMoney(stripeSubscriptionId);
	const client = await stripeClient();
	const stripeCustomerId = idOf(
		(await client.subscriptions.retrieve(stripeSubscriptionId)).customer
	);
	if (stripeCustomerId) await mirrorCards(stripeCustomerId);
}

/** Its invoices, and how their money came and went. */
export async function refreshMoney(stripeSubscriptionId: string): Promise<void> {
	const client = await stripeClient();
	for (const invoice of await client.invoices.ofSubscription(stripeSubscriptionId))
		await refreshInvoice(invoice.id);
}

/** One invoice, and how its money came and went. @returns null when it is nobody's we know */
export async function refreshInvoice(stripeInvoiceId: string): Promise<MirroredInvoice | null> {
	const client = await stripeClient();
	const mirrored = await mirrorInvoice(stripeInvoiceId);
	if (!mirrored) return null;
	for (const payment of await client.invoicePayments.ofInvoice(stripeInvoiceId)) {
		const intent = idOf(payment.payment.payment_intent);
		if (!intent) continue;
		for (const { id } of await client.refunds.ofIntent(intent)) await mirrorRefund(id);
		for (const { id } of await client.disputes.ofIntent(intent)) await mirrorDispute(id);
	}
	for (const { id } of await client.creditNotes.ofInvoice(stripeInvoiceId))
		await mirrorCreditNote(id);
	return mirrored;
}
