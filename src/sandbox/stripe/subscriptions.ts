import type { Account } from './account.ts';
import type { Call, Operation } from './api.ts';
import { behaviourOf, judge } from './cards.ts';
import { priceOf } from './catalog.ts';
import { sourceOf } from './coupons.ts';
import { ownMethod, refuseWhileAdvancing, requireCustomer } from './customers.ts';
import { invalid, missing, noSuch, StripeError } from './errors.ts';
import { chargedMethod, collect, draftInvoice, finalizeInvoice } from './invoicing.ts';
import { createdIn, matching, page } from './paging.ts';
import { announce, line, startSubscription } from './subscribe.ts';
import type { Subscription } from './types.ts';
import { updateSubscription } from './update.ts';

const BEHAVIOURS = [
	'allow_incomplete',
	'default_incomplete',
	'error_if_incomplete',
	'pending_if_incomplete'
] as const;
const FEEDBACK = [
	'customer_service',
	'low_quality',
	'missing_features',
	'other',
	'switched_service',
	'too_complex',
	'too_expensive',
	'unused'
] as const;

export const subscriptions: Operation[] = [
	{ method: 'POST', path: '/v1/subscriptions', ms: 900, run: create },
	{
		method: 'GET',
		path: '/v1/subscriptions',
		run: ({ account, params }) => {
			const status = params.text('status');
			const clock = params.text('test_clock') ?? null;
			const rows = matching(params, account.all('subscriptions'), ['customer', 'collection_method'])
				.filter(createdIn(params))
				.filter(
					(row) =>
						!params.has('price') ||
						row.items.data.some((item) => item.price.id === params.text('price'))
				)
				.filter((row) => params.has('customer') || row.test_clock === clock)
				.filter((row) => wanted(row, status));
			return page(params, rows, '/v1/subscriptions');
		}
	},
	{
		method: 'GET',
		path: '/v1/subscriptions/:id',
		run: ({ account, path }) => account.get('subscriptions', path.id ?? '')
	},
	{
		method: 'POST',
		path: '/v1/subscriptions/:id',
		ms: 700,
		run: ({ account, params, path }) => {
			const subscription = account.get('subscriptions', path.id ?? '');
			refuseWhileAdvancing(account, subscription.customer);
			const behaviour = params.choice('payment_behavior', BEHAVIOURS) ?? 'allow_incomplete';
			return updateSubscription(account, subscription, params, behaviour);
		}
	},
	{ method: 'DELETE', path: '/v1/subscriptions/:id', ms: 500, run: cancel },
	{
		method: 'POST',
		path: '/v1/subscriptions/:id/resume',
		run: ({ account, path }) => {
			const subscription = account.get('subscriptions', path.id ?? '');
			if (subscription.status !== 'paused') {
				throw invalid('This subscription cannot be resumed because it is not paused.');
			}
			const at = account.now(subscription.customer);
			subscription.status = 'active';
			account.emit('customer.subscription.resumed', subscription);
			account.emit('customer.subscription.updated', subscription, { status: 'paused' });
			bill(account, subscription, at);
			return subscription;
		}
	}
];

/** Ends a subscription at once; its open invoices are no longer collected. */
export function cancelNow(
	account: Account,
	subscription: Subscription,
	at: number,
	reason: string | null
): void {
	subscription.status = 'canceled';
	subscription.canceled_at ??= at;
	subscription.ended_at = at;
	subscription.cancellation_details.reason ??= reason;
	subscription.pending_update = null;
	account.notes(subscription.id).pending_lines = [];
	const schedule = account.find('schedules', subscription.schedule);
	if (schedule?.status === 'active') {
		schedule.status = 'canceled';
		schedule.canceled_at = at;
		schedule.current_phase = null;
		account.emit('subscription_schedule.canceled', schedule);
	}
	for (const invoice of account.all('invoices')) {
		if (invoice.parent?.subscription_details?.subscription !== subscription.id) continue;
		if (invoice.status !== 'open' && invoice.status !== 'draft') continue;
		invoice.auto_advance = false;
		invoice.next_payment_attempt = null;
		invoice.automatically_finalizes_at = null;
	}
	account.emit('customer.subscription.deleted', subscription);
}

function create({ account, params }: Call): object {
	const customer = requireCustomer(account, params);
	refuseWhileAdvancing(account, customer.id);
	const at = account.now(customer.id);
	const behaviour = params.choice('payment_behavior', BEHAVIOURS) ?? 'allow_incomplete';
	const entries = params.list('items');
	if (!entries?.length) throw missing('items');
	const items = entries.map((entry) => {
		const price = priceOf(account, entry);
		if (price.type !== 'recurring')
			throw invalid('The price must be recurring.', entry.param('price'));
		return { price, quantity: entry.integer('quantity') ?? 1, metadata: entry.metadata() };
	});
	const method = params.text('default_payment_method') || null;
	if (method) ownMethod(account, method, customer.id, 'default_payment_method');
	const days = params.integer('trial_period_days');
	const end = params.text('trial_end') === 'now' ? null : (params.integer('trial_end') ?? null);
	const trialEnd = days ? at + days * 86_400 : end;
	const charged = method ?? customer.invoice_settings.default_payment_method;
	const manual = params.text('collection_method') === 'send_invoice';
	if (!trialEnd && !manual && behaviour !== 'default_incomplete') {
		if (!charged) {
			throw invalid(
				'This customer has no attached payment source or default payment method. Please consider adding a default payment method.',
				undefined,
				'resource_missing'
			);
		}
		if (behaviour === 'error_if_incomplete') refuseDeclined(account, charged);
	}
	const { subscription, invoice } = startSubscription(account, {
		customer: customer.id,
		items,
		at,
		trial_end: trialEnd,
		metadata: params.metadata(),
		description: params.nullable('description') ?? null,
		default_payment_method: method,
		missing_payment_method:
			params.object('trial_settings')?.object('end_behavior')?.text('missing_payment_method') ??
			'create_invoice',
		collection_method: manual ? 'send_invoice' : 'charge_automatically',
		discounts: (params.list('discounts') ?? []).map((entry) => sourceOf(account, entry))
	});
	announce(account, subscription);
	if (manual) subscription.status = 'active';
	else if (invoice.status === 'open' && behaviour !== 'default_incomplete') {
		const occasion = {
			offSession: params.flag('off_session') ?? false,
			authenticated: false,
			checkout: false
		};
		collect(account, invoice, chargedMethod(account, invoice), occasion, at);
	}
	return subscription;
}

function cancel({ account, params, path }: Call): object {
	const subscription = account.get('subscriptions', path.id ?? '');
	if (subscription.ended_at !== null) throw noSuch('subscription', subscription.id);
	refuseWhileAdvancing(account, subscription.customer);
	const at = account.now(subscription.customer);
	const details = params.object('cancellation_details');
	if (details?.has('comment'))
		subscription.cancellation_details.comment = details.nullable('comment') ?? null;
	if (details?.has('feedback'))
		subscription.cancellation_details.feedback = details.choice('feedback', FEEDBACK) ?? null;
	const notes = account.notes(subscription.id);
	if (params.flag('prorate')) {
		for (const item of subscription.items.data) {
			const { current_period_start: start, current_period_end: end } = item;
			const share = Math.max(0, end - at) / Math.max(1, end - start);
			const amount = Math.round((item.price.unit_amount ?? 0) * item.quantity * share);
			notes.pending_lines.push(
				line(account, subscription, item, {
					amount: -amount,
					description: 'Unused time after cancellation',
					period: { start: at, end },
					proration: true
				})
			);
		}
	}
	if (params.flag('invoice_now')) bill(account, subscription, at);
	cancelNow(account, subscription, at, 'cancellation_requested');
	return subscription;
}

/** Bills what waits for the next invoice. */
function bill(account: Account, subscription: Subscription, at: number): void {
	const notes = account.notes(subscription.id);
	const lines = notes.pending_lines;
	if (!lines.length) return;
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
	if (invoice.status === 'open') {
		collect(
			account,
			invoice,
			chargedMethod(account, invoice),
			{ offSession: true, authenticated: false, checkout: false },
			at
		);
	}
}

/** @throws StripeError 402 when the bank would refuse */
export function refuseDeclined(account: Account, method: string): void {
	const verdict = judge(behaviourOf(account, method), {
		offSession: true,
		authenticated: false,
		checkout: false
	});
	if (verdict.result !== 'declined') return;
	const { code, decline_code, message } = verdict.failure;
	throw new StripeError(402, 'card_error', message, {
		code,
		...(decline_code ? { decline_code } : {})
	});
}

function wanted(row: Subscription, status: string | undefined): boolean {
	if (status === 'all') return true;
	if (status === 'ended') return row.ended_at !== null;
	if (status) return row.status === status;
	return row.status !== 'canceled' && row.status !== 'incomplete_expired';
}
