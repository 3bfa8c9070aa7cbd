import type { Account } from './account.ts';
import { subscriptionOf } from './invoicing.ts';
import { applyPendingUpdate } from './pending.ts';
import { cancelNow } from './subscriptions.ts';
import type { Invoice, Subscription, SubscriptionStatus } from './types.ts';

const DAY = 86_400;
/** Days between a failed attempt and the next one; then the retries are used up. */
const RETRY_DAYS = [3, 5, 7];

/** What a settled invoice means for its subscription and customer. */
export function invoicePaid(account: Account, invoice: Invoice, at: number): void {
	const customer = account.find('customers', invoice.customer);
	if (customer?.delinquent) {
		customer.delinquent = false;
		account.emit('customer.updated', customer, { delinquent: true });
	}
	const subscription = account.find('subscriptions', subscriptionOf(invoice));
	if (!subscription || subscription.ended_at !== null) return;
	applyPendingUpdate(account, subscription, invoice, at);
	if (['incomplete', 'past_due', 'unpaid'].includes(subscription.status)) {
		setStatus(account, subscription, 'active');
	}
}

/** What a failed attempt means: the next attempt, `past_due`, and the end when retries are used up. */
export function invoiceUnpaid(
	account: Account,
	invoice: Invoice,
	at: number,
	why: 'declined' | 'authentication' | 'action' | 'no_method'
): void {
	const subscription = account.find('subscriptions', subscriptionOf(invoice));
	const first = subscription?.status === 'incomplete';
	const days = RETRY_DAYS[invoice.attempt_count - 1];
	const retries = subscription && !first && why !== 'action';
	invoice.next_payment_attempt = retries && days ? at + days * DAY : null;
	if (why === 'authentication' || why === 'action') {
		account.emit('invoice.payment_action_required', invoice);
	}
	if (why !== 'action') account.emit('invoice.payment_failed', invoice);
	account.emit('invoice.updated', invoice, { attempt_count: invoice.attempt_count - 1 });
	if (!subscription || first || subscription.ended_at !== null || subscription.pending_update)
		return;
	const customer = account.get('customers', invoice.customer);
	if (!customer.delinquent) {
		customer.delinquent = true;
		account.emit('customer.updated', customer, { delinquent: false });
	}
	if (why === 'action') return;
	if (subscription.status !== 'unpaid') setStatus(account, subscription, 'past_due');
	if (days) return;
	const { after_retries } = account.state.settings;
	if (after_retries === 'canceled') cancelNow(account, subscription, at, 'payment_failed');
	else if (after_retries === 'unpaid') setStatus(account, subscription, 'unpaid');
}

export function setStatus(
	account: Account,
	subscription: Subscription,
	status: SubscriptionStatus
): void {
	if (subscription.status === status) return;
	const before = subscription.status;
	subscription.status = status;
	if (account.notes(subscription.id).unannounced) return;
	account.emit('customer.subscription.updated', subscription, { status: before });
}
