import type { Account } from './account.ts';
import { openPayment } from './invoicing.ts';
import { cancelIntent } from './payments.ts';
import type { Invoice, Subscription } from './types.ts';

/** A change that waited for its payment takes effect (`payment_behavior=pending_if_incomplete`). */
export function applyPendingUpdate(
	account: Account,
	subscription: Subscription,
	invoice: Invoice,
	at: number
): void {
	const update = subscription.pending_update;
	if (!update || invoice.id !== subscription.latest_invoice || update.expires_at <= at) return;
	const items = subscription.items.data;
	if (update.subscription_items) subscription.items.data = update.subscription_items;
	subscription.trial_end = update.trial_end ?? subscription.trial_end;
	subscription.pending_update = null;
	account.emit('customer.subscription.pending_update_applied', subscription);
	account.emit('customer.subscription.updated', subscription, {
		items: { object: 'list', data: items },
		pending_update: update
	});
}

/** The payment did not come in time: the change is dropped and its invoice void. */
export function expirePendingUpdate(
	account: Account,
	subscription: Subscription,
	at: number
): void {
	const update = subscription.pending_update;
	subscription.pending_update = null;
	const invoice = account.find('invoices', subscription.latest_invoice);
	if (invoice?.status === 'open') voidInvoice(account, invoice, at);
	account.emit('customer.subscription.pending_update_expired', subscription, {
		pending_update: update
	});
}

export function voidInvoice(account: Account, invoice: Invoice, at: number): void {
	const open = openPayment(account, invoice);
	if (open) {
		open.payment.status = 'canceled';
		open.payment.status_transitions.canceled_at = at;
		cancelIntent(account, open.intent, 'void_invoice');
	}
	invoice.status = 'void';
	invoice.auto_advance = false;
	invoice.amount_remaining = invoice.amount_due;
	invoice.next_payment_attempt = null;
	invoice.status_transitions.voided_at = at;
	account.emit('invoice.voided', invoice);
}
