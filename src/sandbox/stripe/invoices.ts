import type { Account } from './account.ts';
import type { Call, Operation } from './api.ts';
import { planChange } from './change.ts';
import { ownMethod, refuseWhileAdvancing } from './customers.ts';
import { invalid, missing, StripeError } from './errors.ts';
import { Form } from './form.ts';
import {
	chargedMethod,
	collect,
	composeInvoice,
	finalizeInvoice,
	markPaid,
	openPayment,
	subscriptionOf
} from './invoicing.ts';
import { createdIn, matching, page } from './paging.ts';
import { voidInvoice } from './pending.ts';
import { periodLine } from './subscribe.ts';
import { cycleEnd } from './account.ts';
import type { Invoice, Subscription } from './types.ts';

export const invoices: Operation[] = [
	{
		method: 'GET',
		path: '/v1/invoices',
		run: ({ account, params }) => {
			const wanted = params.text('subscription');
			const rows = matching(params, account.all('invoices'), [
				'customer',
				'status',
				'collection_method'
			])
				.filter(createdIn(params))
				.filter((row) => !wanted || subscriptionOf(row) === wanted);
			return page(params, rows, '/v1/invoices');
		}
	},
	{ method: 'POST', path: '/v1/invoices/create_preview', ms: 700, run: preview },
	{
		method: 'GET',
		path: '/v1/invoices/:id',
		run: ({ account, path }) => account.get('invoices', path.id ?? '')
	},
	{
		method: 'GET',
		path: '/v1/invoices/:id/lines',
		run: ({ account, params, path }) => {
			const { lines } = account.get('invoices', path.id ?? '');
			return page(params, lines.data.toReversed(), lines.url);
		}
	},
	{ method: 'POST', path: '/v1/invoices/:id/pay', ms: 1200, run: pay },
	{
		method: 'POST',
		path: '/v1/invoices/:id/finalize',
		run: ({ account, path }) => {
			const invoice = writable(account, path.id ?? '');
			if (invoice.status !== 'draft') {
				throw invalid(
					"This invoice is already finalized, you can't re-finalize a non-draft invoice.",
					undefined,
					'invoice_not_editable'
				);
			}
			finalizeInvoice(account, invoice, account.now(invoice.customer));
			return invoice;
		}
	},
	{
		method: 'POST',
		path: '/v1/invoices/:id/void',
		run: ({ account, path }) => {
			const invoice = writable(account, path.id ?? '');
			if (invoice.status !== 'open' && invoice.status !== 'uncollectible') {
				throw invalid(
					`You can only pass in open or uncollectible invoices. This invoice isn't: its status is ${invoice.status}.`
				);
			}
			voidInvoice(account, invoice, account.now(invoice.customer));
			return invoice;
		}
	},
	{
		method: 'POST',
		path: '/v1/invoices/:id/mark_uncollectible',
		run: ({ account, path }) => {
			const invoice = writable(account, path.id ?? '');
			if (invoice.status !== 'open') throw invalid('This invoice is not open.');
			invoice.status = 'uncollectible';
			invoice.status_transitions.marked_uncollectible_at = account.now(invoice.customer);
			invoice.next_payment_attempt = null;
			account.emit('invoice.marked_uncollectible', invoice);
			return invoice;
		}
	},
	{
		method: 'GET',
		path: '/v1/invoice_payments',
		run: ({ account, params }) => {
			const payment = params.object('payment');
			const intent = payment?.text('payment_intent');
			const rows = matching(params, account.all('invoice_payments'), ['invoice', 'status'])
				.filter(createdIn(params))
				.filter((row) => !intent || row.payment.payment_intent === intent);
			return page(params, rows, '/v1/invoice_payments');
		}
	},
	{
		method: 'GET',
		path: '/v1/invoice_payments/:id',
		run: ({ account, path }) => account.get('invoice_payments', path.id ?? '')
	}
];

function writable(account: Account, id: string): Invoice {
	const invoice = account.get('invoices', id);
	refuseWhileAdvancing(account, invoice.customer);
	return invoice;
}

function pay({ account, params, path }: Call): Invoice {
	const invoice = writable(account, path.id ?? '');
	const at = account.now(invoice.customer);
	if (invoice.status === 'paid') throw invalid('Invoice is already paid');
	if (invoice.status === 'void') throw invalid('This invoice is void and cannot be paid.');
	if (invoice.status === 'draft') finalizeInvoice(account, invoice, at);
	if (openPayment(account, invoice) === null) return invoice;
	if (params.flag('paid_out_of_band')) {
		const open = openPayment(account, invoice);
		if (open) open.payment.status = 'canceled';
		markPaid(account, invoice, at, true);
		return invoice;
	}
	const given = params.text('payment_method');
	if (given) ownMethod(account, given, invoice.customer, 'payment_method');
	const method = given ?? chargedMethod(account, invoice);
	if (!method) {
		throw invalid(
			'There is no `default_payment_method` set on this Customer or Invoice. Please set one or pass `payment_method`.',
			undefined,
			'invoice_payment_intent_requires_action'
		);
	}
	const occasion = {
		offSession: params.flag('off_session') ?? true,
		authenticated: false,
		checkout: false
	};
	const verdict = collect(account, invoice, method, occasion, at);
	if (verdict?.result === 'declined') {
		const { code, decline_code, advice_code, message } = verdict.failure;
		const intent = openPayment(account, invoice)?.intent;
		throw new StripeError(402, 'card_error', message, {
			code,
			...(decline_code ? { decline_code } : {}),
			...(advice_code ? { advice_code } : {}),
			...(intent?.latest_charge ? { charge: intent.latest_charge } : {}),
			...(intent ? { payment_intent: structuredClone(intent) } : {})
		});
	}
	if (verdict?.result === 'action') {
		throw new StripeError(
			402,
			'card_error',
			'This payment requires additional user action before it can be completed successfully.',
			{ code: 'invoice_payment_intent_requires_action' }
		);
	}
	return invoice;
}

/** The invoice that a change, or the next renewal, would make; nothing is stored. */
function preview({ account, params }: Call): Invoice {
	const id = params.text('subscription');
	const details = params.object('subscription_details') ?? Form.parse([]);
	const subscription = id ? account.get('subscriptions', id, 'subscription') : null;
	const customerId = subscription?.customer ?? params.text('customer');
	if (!customerId) throw missing('customer');
	if (!subscription) throw missing('subscription');
	if (subscription.ended_at !== null) {
		throw new StripeError(404, 'invalid_request_error', 'No upcoming invoices for customer', {
			code: 'invoice_upcoming_none'
		});
	}
	const at = account.now(customerId);
	const changes = ['items', 'trial_end', 'billing_cycle_anchor'].some((name) => details.has(name));
	const change = changes ? planChange(account, subscription, details, at) : null;
	const ends =
		details.flag('cancel_at_period_end') ??
		(details.has('cancel_at') ? details.text('cancel_at') !== '' : subscription.cancel_at !== null);
	const pending = structuredClone(account.notes(subscription.id).pending_lines);
	const lines = [...pending, ...(change?.lines ?? [])];
	if (!change?.immediate) {
		if (ends && !lines.length) {
			throw new StripeError(404, 'invalid_request_error', 'No upcoming invoices for customer', {
				code: 'invoice_upcoming_none'
			});
		}
		if (!ends) lines.push(...nextPeriod(account, subscription, change?.items));
	}
	const start = change?.immediate
		? at
		: Math.min(...subscription.items.data.map((item) => item.current_period_end));
	const invoice = composeInvoice(account, {
		customer: customerId,
		subscription,
		lines,
		reason: change?.immediate ? 'subscription_update' : 'upcoming',
		currency: subscription.currency,
		at: start,
		period: { start: at, end: start }
	});
	invoice.id = account.id('upcoming_in_1', 23);
	for (const line of invoice.lines.data) line.invoice = invoice.id;
	return invoice;
}

function nextPeriod(account: Account, subscription: Subscription, items = subscription.items.data) {
	return items.map((item) => {
		const { interval = 'month', interval_count: count = 1 } = item.price.recurring ?? {};
		return periodLine(
			account,
			{ ...subscription, status: 'active' },
			{
				...item,
				current_period_start: item.current_period_end,
				current_period_end: cycleEnd(
					subscription.billing_cycle_anchor,
					interval,
					count,
					item.current_period_end
				)
			}
		);
	});
}
