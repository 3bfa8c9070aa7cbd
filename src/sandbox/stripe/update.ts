import type { Account } from './account.ts';
import { behaviourOf, judge, type Occasion } from './cards.ts';
import { planChange, type Change } from './change.ts';
import { redeem } from './coupons.ts';
import { difference, ownMethod } from './customers.ts';
import { invalid } from './errors.ts';
import type { Form } from './form.ts';
import { chargedMethod, collect, draftInvoice, finalizeInvoice } from './invoicing.ts';
import { refuseDeclined } from './subscriptions.ts';
import type { Invoice, Subscription } from './types.ts';

type PaymentBehaviour =
	'allow_incomplete' | 'default_incomplete' | 'error_if_incomplete' | 'pending_if_incomplete';

const PENDING_FOR = 23 * 3600;
/** `pending_if_incomplete` takes these and refuses the rest (docs.stripe.com, pending updates). */
const PENDING_PARAMS = [
	'items',
	'payment_behavior',
	'proration_behavior',
	'proration_date',
	'billing_cycle_anchor',
	'trial_end',
	'trial_from_plan',
	'off_session',
	'expand',
	'add_invoice_items',
	'discounts'
];

/** POST /v1/subscriptions/{id}. */
export function updateSubscription(
	account: Account,
	subscription: Subscription,
	params: Form,
	behaviour: PaymentBehaviour
): Subscription {
	if (subscription.ended_at !== null) {
		params.only(['cancellation_details', 'metadata', 'expand']);
	}
	if (behaviour === 'pending_if_incomplete') params.only(PENDING_PARAMS);
	const before = structuredClone(subscription);
	const at = account.now(subscription.customer);
	const billing = ['items', 'trial_end', 'billing_cycle_anchor'].some((name) => params.has(name));
	if (billing && subscription.schedule && params.has('items')) {
		throw invalid(
			'The subscription is managed by the subscription schedule `' +
				subscription.schedule +
				'`, and updating any items directly is not allowed. Please update the schedule instead.'
		);
	}
	const change = billing ? planChange(account, subscription, params, at) : null;
	// The customer is taken to be there unless the caller says otherwise (API reference, update a subscription).
	const occasion = {
		offSession: params.flag('off_session') ?? false,
		authenticated: false,
		checkout: false
	};
	plain(account, subscription, params, at);
	if (
		change &&
		behaviour === 'pending_if_incomplete' &&
		change.immediate &&
		!paysNow(account, subscription, change, occasion)
	) {
		return holdBack(account, subscription, change, occasion, at);
	}
	if (change && behaviour === 'error_if_incomplete' && change.immediate) {
		const method = payer(account, subscription);
		if (method && total(change) > 0) refuseDeclined(account, method);
	}
	if (change) applyChange(account, subscription, change);
	account.emit('customer.subscription.updated', subscription, difference(before, subscription));
	if (change)
		billChange(
			account,
			subscription,
			change,
			behaviour === 'default_incomplete' ? null : occasion,
			at
		);
	return subscription;
}

function plain(account: Account, subscription: Subscription, params: Form, at: number): void {
	const atEnd = params.flag('cancel_at_period_end');
	if (atEnd !== undefined) {
		const end = Math.min(...subscription.items.data.map((item) => item.current_period_end));
		cancelOn(subscription, atEnd ? end : null, at);
		subscription.cancel_at_period_end = atEnd;
	}
	if (params.has('cancel_at')) {
		cancelOn(subscription, cancelTime(subscription, params), at);
		subscription.cancel_at_period_end = false;
	}
	const details = params.object('cancellation_details');
	if (details?.has('comment'))
		subscription.cancellation_details.comment = details.nullable('comment') ?? null;
	if (details?.has('feedback'))
		subscription.cancellation_details.feedback = details.nullable('feedback') ?? null;
	const method = params.nullable('default_payment_method');
	if (method) ownMethod(account, method, subscription.customer, 'default_payment_method');
	if (method !== undefined) subscription.default_payment_method = method;
	if (params.has('description')) subscription.description = params.nullable('description') ?? null;
	subscription.days_until_due = params.integer('days_until_due') ?? subscription.days_until_due;
	if (params.has('pause_collection')) {
		const pause = params.object('pause_collection');
		subscription.pause_collection = pause
			? { behavior: pause.required('behavior'), resumes_at: pause.integer('resumes_at') ?? null }
			: null;
	}
	if (params.has('discounts')) {
		const holder = { customer: subscription.customer, subscription: subscription.id, at };
		subscription.discounts = redeem(account, params.list('discounts') ?? [], holder);
	}
	subscription.metadata = params.metadata(subscription.metadata);
}

function cancelOn(subscription: Subscription, time: number | null, at: number): void {
	subscription.cancel_at = time;
	subscription.canceled_at = time === null ? null : at;
	subscription.cancellation_details.reason = time === null ? null : 'cancellation_requested';
}

function cancelTime(subscription: Subscription, params: Form): number | null {
	const text = params.text('cancel_at');
	const ends = subscription.items.data.map((item) => item.current_period_end);
	if (text === 'min_period_end') return Math.min(...ends);
	if (text === 'max_period_end' || text === 'max_billed_until') return Math.max(...ends);
	return params.integer('cancel_at') ?? null;
}

function payer(account: Account, subscription: Subscription): string | null {
	const customer = account.find('customers', subscription.customer);
	return (
		subscription.default_payment_method ?? customer?.invoice_settings.default_payment_method ?? null
	);
}

function paysNow(
	account: Account,
	subscription: Subscription,
	change: Change,
	occasion: Occasion
): boolean {
	if (total(change) <= 0) return true;
	const method = payer(account, subscription);
	if (!method) return false;
	return judge(behaviourOf(account, method), occasion).result === 'succeeded';
}

function total(change: Change): number {
	return change.lines.reduce((sum, entry) => sum + entry.amount, 0);
}

function applyChange(account: Account, subscription: Subscription, change: Change): void {
	subscription.items.data = change.items;
	subscription.trial_end = change.trial_end;
	if (change.anchor !== null) subscription.billing_cycle_anchor = change.anchor;
	if (change.trialChanged) {
		const trials = change.anchor !== null && change.anchor === change.trial_end && change.immediate;
		const future = (change.trial_end ?? 0) > account.now(subscription.customer);
		subscription.status = trials && future ? 'trialing' : 'active';
		if (future) subscription.trial_start ??= account.now(subscription.customer);
	}
	const cancelsAtEnd = subscription.cancel_at_period_end;
	if (cancelsAtEnd)
		subscription.cancel_at = Math.min(...change.items.map((item) => item.current_period_end));
}

function billChange(
	account: Account,
	subscription: Subscription,
	change: Change,
	/** Null: nobody is charged. */
	occasion: Occasion | null,
	at: number
): Invoice | null {
	if (!change.lines.length) return null;
	const notes = account.notes(subscription.id);
	if (!change.immediate) {
		notes.pending_lines.push(...change.lines);
		return null;
	}
	const lines = [...notes.pending_lines, ...change.lines];
	notes.pending_lines = [];
	const invoice = draftInvoice(account, {
		customer: subscription.customer,
		subscription,
		lines,
		reason: 'subscription_update',
		currency: subscription.currency,
		at,
		period: { start: at, end: at }
	});
	finalizeInvoice(account, invoice, at);
	if (occasion && invoice.status === 'open') {
		collect(account, invoice, chargedMethod(account, invoice), occasion, at);
	}
	return invoice;
}

/** The payment will not go through: the change waits in `pending_update`, its invoice is open. */
function holdBack(
	account: Account,
	subscription: Subscription,
	change: Change,
	occasion: Occasion,
	at: number
): Subscription {
	subscription.pending_update = {
		billing_cycle_anchor: change.anchor,
		expires_at: at + PENDING_FOR,
		subscription_items: change.items,
		trial_end: change.trialChanged ? change.trial_end : null,
		...{
			cancel_at_period_end: null,
			discount: null,
			discounts: null,
			metadata: null,
			trial_from_plan: null
		}
	};
	account.emit('customer.subscription.updated', subscription, { pending_update: null });
	billChange(account, subscription, change, occasion, at);
	return subscription;
}
