import type { Account } from './account.ts';
import { declineOf, judge, type Occasion } from './cards.ts';
import { createCustomer } from './customers.ts';
import { invalid } from './errors.ts';
import { collect, markPaid, openPayment } from './invoicing.ts';
import { attach, createMethod } from './methods.ts';
import { confirm, createIntent, settle } from './payments.ts';
import { details } from './sessions.ts';
import { createSetupIntent } from './setup.ts';
import { invoiceUnpaid } from './standing.ts';
import type { Session, SessionPlan } from './state.ts';
import { announce, startSubscription } from './subscribe.ts';
import type { CardFailure, Customer, PaymentIntent, PaymentMethod } from './types.ts';

export interface Buyer {
	/** Digits of a test card, or `bank` for a debit whose outcome comes days later; null when nothing is asked. */
	card: string | null;
	email: string | null;
	name: string | null;
	/** The 3-D Secure page was passed. */
	authenticated: boolean;
}

export type PayOutcome =
	| { status: 'complete'; payment_status: Session['payment_status'] }
	| { status: 'declined'; failure: CardFailure }
	| { status: 'requires_action' }
	| { status: 'closed' };

/** What the hosted page's pay button does. A refusal leaves no trace but the open session. */
export function paySession(account: Account, session: Session, buyer: Buyer): PayOutcome {
	if (session.status !== 'open') return { status: 'closed' };
	const email =
		account.find('customers', session.customer)?.email ?? session.customer_email ?? buyer.email;
	if (!email) throw invalid('An e-mail address is needed.', 'email');
	const number = buyer.card;
	if (!number && needsMethod(session)) throw invalid('A payment method is needed.', 'card');
	const occasion = { offSession: false, authenticated: buyer.authenticated, checkout: true };
	if (number) {
		const refusal = account.state.blocked_emails.includes(email)
			? declineOf('4000000000000002')
			: declineOf(number);
		if (refusal) return { status: 'declined', failure: refusal };
		const verdict = judge({ number, authenticated: false }, occasion);
		if (verdict.result === 'action') return { status: 'requires_action' };
	}
	const plan = account.state.plans[session.id];
	if (!plan) throw new Error(`session ${session.id} has no plan`);
	complete(account, session, plan, { ...buyer, email }, occasion);
	return { status: 'complete', payment_status: session.payment_status };
}

export function needsMethod(session: Session): boolean {
	return session.payment_method_collection === 'always' || (session.amount_total ?? 1) > 0;
}

/** The bank's late word on a session that completed unpaid. */
export function settleSession(account: Account, session: Session, paid: boolean): void {
	if (session.status !== 'complete' || session.payment_status !== 'unpaid') {
		throw invalid(`Checkout session ${session.id} does not wait for a payment.`);
	}
	const invoice = account.find('invoices', session.invoice);
	const open = invoice ? openPayment(account, invoice) : null;
	const intent = open?.intent ?? account.find('payment_intents', session.payment_intent);
	if (!intent) throw invalid('No payment is being processed.');
	settlePayment(account, intent, paid);
}

/** The bank's late word on any payment that is `processing`: a session's first one or a renewal's. */
export function settlePayment(account: Account, intent: PaymentIntent, paid: boolean): void {
	if (intent.status !== 'processing') throw invalid('No payment is being processed.');
	const at = account.now(intent.customer);
	const payment = account
		.all('invoice_payments')
		.find((row) => row.payment.payment_intent === intent.id);
	const invoice = account.find('invoices', payment?.invoice);
	const session = account
		.all('sessions')
		.find((row) => row.payment_intent === intent.id || (invoice && row.invoice === invoice.id));
	settle(account, intent, paid);
	if (session && paid) session.payment_status = 'paid';
	if (invoice && paid) markPaid(account, invoice, at);
	if (invoice && !paid) invoiceUnpaid(account, invoice, at, 'declined');
	const waits = session && invoice?.billing_reason !== 'subscription_cycle';
	if (waits)
		account.emit(`checkout.session.async_payment_${paid ? 'succeeded' : 'failed'}`, session);
}

function complete(
	account: Account,
	session: Session,
	plan: SessionPlan,
	buyer: Buyer & { email: string },
	occasion: Occasion
): void {
	const customer = payer(account, session, buyer);
	const method = buyer.card ? savedMethod(account, buyer.card, customer, buyer) : null;
	const at = account.now(customer.id);
	session.customer = customer.id;
	session.customer_details = details(buyer.email, buyer.name ?? customer.name);
	if (session.mode === 'subscription')
		subscribe(account, session, plan, customer, method, occasion, at);
	else if (session.mode === 'setup') {
		session.setup_intent = createSetupIntent(account, customer.id, method).id;
	} else payOnce(account, session, plan, customer, method, occasion, at);
	session.status = 'complete';
	session.url = null;
	account.changed();
	account.emit('checkout.session.completed', session);
}

function payer(account: Account, session: Session, buyer: Buyer & { email: string }): Customer {
	const known = account.find('customers', session.customer);
	return known ?? createCustomer(account, { email: buyer.email, name: buyer.name });
}

function savedMethod(
	account: Account,
	card: string,
	customer: Customer,
	buyer: Buyer & { email: string }
): PaymentMethod {
	const method = createMethod(account, card);
	method.billing_details.email = buyer.email;
	method.billing_details.name = buyer.name;
	return attach(account, method.id, customer.id);
}

function subscribe(
	account: Account,
	session: Session,
	plan: SessionPlan,
	customer: Customer,
	method: PaymentMethod | null,
	occasion: Occasion,
	at: number
): void {
	const { subscription, invoice } = startSubscription(account, {
		customer: customer.id,
		items: plan.lines
			.filter((line) => line.price.recurring)
			.map(({ price, quantity }) => ({ price, quantity, metadata: {} })),
		at,
		trial_end: plan.trial_days ? at + plan.trial_days * 86_400 : plan.trial_end,
		metadata: { ...plan.metadata },
		description: plan.description,
		default_payment_method: method?.id ?? null,
		missing_payment_method: plan.missing_payment_method,
		collection_method: 'charge_automatically',
		discounts: plan.discounts.map((id) => discountSource(account, id))
	});
	session.subscription = subscription.id;
	session.invoice = invoice.id;
	// The invoice's own events go out before the session's: Stripe promises no order.
	const verdict =
		invoice.status === 'open' ? collect(account, invoice, method?.id ?? null, occasion, at) : null;
	if (verdict?.result === 'processing') subscription.status = 'active';
	announce(account, subscription);
	if (verdict) session.payment_status = verdict.result === 'succeeded' ? 'paid' : 'unpaid';
	else session.payment_status = invoice.total === 0 ? 'no_payment_required' : 'paid';
}

function payOnce(
	account: Account,
	session: Session,
	plan: SessionPlan,
	customer: Customer,
	method: PaymentMethod | null,
	occasion: Occasion,
	at: number
): void {
	const amount = session.amount_total ?? 0;
	if (!method || amount === 0) return;
	const intent = createIntent(account, {
		amount,
		currency: session.currency ?? 'usd',
		customer: customer.id,
		description: null,
		metadata: plan.payment_metadata,
		at
	});
	session.payment_intent = intent.id;
	const verdict = confirm(account, intent, method, occasion, at);
	session.payment_status = verdict.result === 'succeeded' ? 'paid' : 'unpaid';
}

function discountSource(account: Account, id: string) {
	const promotion = account.find('promotion_codes', id) ?? null;
	return { promotion, coupon: account.get('coupons', promotion?.promotion.coupon ?? id) };
}
