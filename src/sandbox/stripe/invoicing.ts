import type { Account } from './account.ts';
import type { Occasion, Verdict } from './cards.ts';
import { discountLines, useUp } from './coupons.ts';
import { list } from './state.ts';
import { invoicePaid, invoiceUnpaid } from './standing.ts';
import { confirm, createIntent } from './payments.ts';
import type { Invoice, InvoiceLine, InvoicePayment, PaymentIntent, Subscription } from './types.ts';

export interface InvoiceRequest {
	customer: string;
	subscription: Subscription | null;
	lines: InvoiceLine[];
	reason: string;
	currency: string;
	at: number;
	period: { start: number; end: number };
	/** When the draft closes by itself; null: the caller finalises it. */
	finalizes_at?: number | null;
}

/** Builds a draft; nothing is stored, which is also what a preview needs. */
export function composeInvoice(account: Account, request: InvoiceRequest): Invoice {
	const { subscription, lines, at } = request;
	const customer = account.get('customers', request.customer);
	const id = account.id('in_1', 23);
	const discounted = discountLines(account, subscription, lines, at);
	const subtotal = lines.reduce((sum, line) => sum + line.amount, 0);
	const off = discounted.reduce((sum, entry) => sum + entry.amount, 0);
	const total = subtotal - off;
	const starting = customer.balance;
	const due = Math.max(0, total + starting);
	for (const line of lines) line.invoice = id;
	return {
		id,
		object: 'invoice',
		amount_due: due,
		amount_paid: 0,
		amount_remaining: due,
		attempt_count: 0,
		attempted: false,
		auto_advance: true,
		automatically_finalizes_at: request.finalizes_at ?? null,
		billing_reason: request.reason,
		collection_method: subscription?.collection_method ?? 'charge_automatically',
		created: at,
		currency: request.currency,
		customer: customer.id,
		default_payment_method: null,
		due_date: null,
		effective_at: null,
		ending_balance: null,
		hosted_invoice_url: null,
		invoice_pdf: null,
		lines: list(lines, `/v1/invoices/${id}/lines`),
		metadata: {},
		next_payment_attempt: request.finalizes_at ?? null,
		number: null,
		parent: subscription
			? {
					type: 'subscription_details',
					subscription_details: {
						metadata: { ...subscription.metadata },
						subscription: subscription.id
					},
					...{ quote_details: null }
				}
			: null,
		period_end: request.period.end,
		period_start: request.period.start,
		post_payment_credit_notes_amount: 0,
		pre_payment_credit_notes_amount: 0,
		starting_balance: starting,
		status: 'draft',
		status_transitions: {
			finalized_at: null,
			marked_uncollectible_at: null,
			paid_at: null,
			voided_at: null
		},
		subtotal,
		test_clock: customer.test_clock,
		total,
		...{
			account_country: 'US',
			account_name: 'Sandbox',
			account_tax_ids: null,
			amount_overpaid: 0,
			amount_shipping: 0,
			application: null,
			automatic_tax: {
				disabled_reason: null,
				enabled: false,
				liability: null,
				provider: null,
				status: null
			},
			custom_fields: null,
			customer_account: null,
			customer_address: customer.address,
			customer_email: customer.email,
			customer_name: customer.name,
			customer_phone: customer.phone,
			customer_shipping: null,
			customer_tax_exempt: customer.tax_exempt,
			customer_tax_ids: [],
			default_source: null,
			default_tax_rates: [],
			description: null,
			discounts: subscription?.discounts ?? [],
			footer: null,
			from_invoice: null,
			issuer: { type: 'self' },
			last_finalization_error: null,
			latest_revision: null,
			livemode: false,
			on_behalf_of: null,
			payment_settings: {
				default_mandate: null,
				payment_method_options: null,
				payment_method_types: null
			},
			receipt_number: null,
			rendering: null,
			shipping_cost: null,
			shipping_details: null,
			statement_descriptor: null,
			subtotal_excluding_tax: subtotal,
			total_discount_amounts: discounted,
			total_excluding_tax: total,
			total_pretax_credit_amounts: [],
			total_taxes: [],
			webhooks_delivered_at: null
		}
	};
}

export function draftInvoice(account: Account, request: InvoiceRequest): Invoice {
	const invoice = account.add('invoices', composeInvoice(account, request));
	if (request.subscription) request.subscription.latest_invoice = invoice.id;
	const customer = account.get('customers', request.customer);
	customer.currency ??= request.currency;
	useUp(
		account,
		invoice.lines.data.flatMap((line) => line.discount_amounts),
		request.at
	);
	account.emit('invoice.created', invoice);
	return invoice;
}

/** Closes the draft: number, pages, the intent to pay; an amount of 0 is paid at once. */
export function finalizeInvoice(account: Account, invoice: Invoice, at: number): void {
	const customer = account.get('customers', invoice.customer);
	const balance = invoice.total + customer.balance;
	invoice.starting_balance = customer.balance;
	invoice.ending_balance = Math.min(0, balance);
	customer.balance = invoice.ending_balance;
	invoice.amount_due = Math.max(0, balance);
	invoice.amount_remaining = invoice.amount_due;
	invoice.status = 'open';
	invoice.automatically_finalizes_at = null;
	invoice.effective_at = at;
	invoice.status_transitions.finalized_at = at;
	invoice.number = `${customer.invoice_prefix}-${String(customer.next_invoice_sequence).padStart(4, '0')}`;
	customer.next_invoice_sequence += 1;
	const secret = account.secret();
	account.state.secrets[invoice.id] = secret;
	invoice.hosted_invoice_url = `${account.url}/i/${invoice.id}/${secret}`;
	invoice.invoice_pdf = `${account.url}/i/${invoice.id}/${secret}/pdf`;
	if (invoice.amount_due > 0) requestPayment(account, invoice, at);
	account.emit('invoice.finalized', invoice);
	if (invoice.amount_due === 0) markPaid(account, invoice, at);
}

/** The open payment of a finalised invoice with its intent. */
export function openPayment(
	account: Account,
	invoice: Invoice
): { payment: InvoicePayment; intent: PaymentIntent } | null {
	const payment = account
		.all('invoice_payments')
		.findLast((row) => row.invoice === invoice.id && row.status === 'open');
	if (!payment) return null;
	return { payment, intent: account.get('payment_intents', payment.payment.payment_intent) };
}

/** Which payment method an invoice is charged to, in Stripe's order of choice. */
export function chargedMethod(account: Account, invoice: Invoice): string | null {
	const subscription = account.find('subscriptions', subscriptionOf(invoice));
	const customer = account.find('customers', invoice.customer);
	return (
		invoice.default_payment_method ??
		subscription?.default_payment_method ??
		customer?.invoice_settings.default_payment_method ??
		null
	);
}

/** Tries to collect an open invoice. `null`: there is no method to charge. */
export function collect(
	account: Account,
	invoice: Invoice,
	methodId: string | null,
	occasion: Occasion,
	at: number
): Verdict | null {
	const open = openPayment(account, invoice);
	const method = account.find('payment_methods', methodId);
	// Whatever comes of it, this attempt is over; a refusal plans the next one.
	invoice.next_payment_attempt = null;
	if (!open) return null;
	invoice.attempted = true;
	invoice.attempt_count += 1;
	if (!method) {
		invoiceUnpaid(account, invoice, at, 'no_method');
		return null;
	}
	const verdict = confirm(account, open.intent, method, occasion, at);
	if (verdict.result === 'succeeded') markPaid(account, invoice, at);
	else if (verdict.result === 'action') invoiceUnpaid(account, invoice, at, 'action');
	else if (verdict.result === 'declined') {
		const wants = verdict.failure.code === 'authentication_required';
		invoiceUnpaid(account, invoice, at, wants ? 'authentication' : 'declined');
	}
	return verdict;
}

/** The invoice is settled: by its payment, by nothing to pay, or outside Stripe. */
export function markPaid(account: Account, invoice: Invoice, at: number, outOfBand = false): void {
	const open = openPayment(account, invoice);
	if (open && !outOfBand) {
		open.payment.status = 'paid';
		open.payment.amount_paid = open.payment.amount_requested;
		open.payment.status_transitions.paid_at = at;
		account.emit('invoice_payment.paid', open.payment);
	}
	invoice.status = 'paid';
	// What was credited before is not paid by anybody.
	invoice.amount_paid =
		outOfBand || !open ? invoice.amount_remaining : open.payment.amount_requested;
	invoice.amount_remaining = 0;
	invoice.attempted = true;
	invoice.auto_advance = false;
	invoice.next_payment_attempt = null;
	invoice.status_transitions.paid_at = at;
	account.emit('invoice.paid', invoice);
	account.emit('invoice.payment_succeeded', invoice);
	invoicePaid(account, invoice, at);
}

export function subscriptionOf(invoice: Invoice): string | null {
	return invoice.parent?.subscription_details?.subscription ?? null;
}

function requestPayment(account: Account, invoice: Invoice, at: number): void {
	const intent = createIntent(account, {
		amount: invoice.amount_due,
		currency: invoice.currency,
		customer: invoice.customer,
		description: subscriptionOf(invoice) ? 'Subscription creation' : 'Invoice',
		at
	});
	account.add('invoice_payments', {
		id: account.id('inpay_1', 23),
		object: 'invoice_payment',
		amount_paid: null,
		amount_requested: invoice.amount_due,
		created: at,
		currency: invoice.currency,
		invoice: invoice.id,
		is_default: true,
		payment: { type: 'payment_intent', payment_intent: intent.id },
		status: 'open',
		status_transitions: { canceled_at: null, paid_at: null },
		...{ livemode: false }
	});
}
