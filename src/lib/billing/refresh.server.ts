import { stripeClient } from '#lib/settings/clients.server.ts';
import { idOf } from './checkout.server.ts';
import { mirrorInvoice } from './invoices.server.ts';
import { mirrorCreditNote, mirrorDispute, mirrorRefund } from './moneyBack.server.ts';
import { mirrorSubscription } from './subscriptions.server.ts';

/**
 * Reads a subscription and all that hangs on it from Stripe: for one that we have just learned of, whose events may
 * have passed before we knew whose they were.
 */
export async function refreshSubscription(stripeSubscriptionId: string): Promise<void> {
	await mirrorSubscription(stripeSubscriptionId);
	await refreshMoney(stripeSubscriptionId);
}

/** Its invoices, and how their money came and went. */
export async function refreshMoney(stripeSubscriptionId: string): Promise<void> {
	const client = await stripeClient();
	for (const invoice of await client.invoices.ofSubscription(stripeSubscriptionId)) {
		if (!(await mirrorInvoice(invoice.id))) continue;
		for (const payment of await client.invoicePayments.ofInvoice(invoice.id)) {
			const intent = idOf(payment.payment.payment_intent);
			if (!intent) continue;
			for (const { id } of await client.refunds.ofIntent(intent)) await mirrorRefund(id);
			for (const { id } of await client.disputes.ofIntent(intent)) await mirrorDispute(id);
		}
		for (const { id } of await client.creditNotes.ofInvoice(invoice.id)) await mirrorCreditNote(id);
	}
}
