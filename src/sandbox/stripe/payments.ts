import type { Account } from './account.ts';
import type { Operation } from './api.ts';
import { behaviourOf, judge, type Occasion, type Verdict } from './cards.ts';
import { createdIn, matching, page } from './paging.ts';
import type { CardFailure, Charge, Metadata, PaymentIntent, PaymentMethod } from './types.ts';

export const payments: Operation[] = [
	{
		method: 'GET',
		path: '/v1/payment_intents',
		run: ({ account, params }) => {
			const rows = matching(params, account.all('payment_intents'), ['customer']);
			return page(params, rows.filter(createdIn(params)), '/v1/payment_intents');
		}
	},
	{
		method: 'GET',
		path: '/v1/payment_intents/:id',
		run: ({ account, path }) => account.get('payment_intents', path.id ?? '')
	},
	{
		method: 'GET',
		path: '/v1/charges',
		run: ({ account, params }) => {
			const rows = matching(params, account.all('charges'), ['customer', 'payment_intent']);
			return page(params, rows.filter(createdIn(params)), '/v1/charges');
		}
	},
	{
		method: 'GET',
		path: '/v1/charges/:id',
		run: ({ account, path }) => account.get('charges', path.id ?? '')
	}
];

export interface IntentRequest {
	amount: number;
	currency: string;
	customer: string | null;
	description: string | null;
	metadata?: Metadata;
	at: number;
}

export function createIntent(account: Account, request: IntentRequest): PaymentIntent {
	const id = account.id('pi_3', 23);
	const intent = account.add('payment_intents', {
		id,
		object: 'payment_intent',
		amount: request.amount,
		amount_received: 0,
		canceled_at: null,
		cancellation_reason: null,
		client_secret: `${id}_secret_${account.secret().slice(0, 25)}`,
		created: request.at,
		currency: request.currency,
		customer: request.customer,
		description: request.description,
		last_payment_error: null,
		latest_charge: null,
		metadata: request.metadata ?? {},
		next_action: null,
		payment_method: null,
		status: 'requires_payment_method',
		...{
			allowed_payment_method_types: null,
			amount_capturable: 0,
			amount_details: { tip: {} },
			application: null,
			application_fee_amount: null,
			automatic_payment_methods: null,
			capture_method: 'automatic',
			confirmation_method: 'automatic',
			customer_account: null,
			excluded_payment_method_types: null,
			livemode: false,
			managed_payments: null,
			on_behalf_of: null,
			payment_method_configuration_details: null,
			payment_method_options: { card: { request_three_d_secure: 'automatic' } },
			payment_method_types: ['card', 'us_bank_account'],
			payment_record: null,
			processing: null,
			receipt_email: null,
			review: null,
			setup_future_usage: 'off_session',
			shipping: null,
			source: null,
			statement_descriptor: null,
			statement_descriptor_suffix: null,
			transfer_data: null,
			transfer_group: null
		}
	});
	account.emit('payment_intent.created', intent);
	return intent;
}

/** Asks the bank for the intent's amount and records what it said. */
export function confirm(
	account: Account,
	intent: PaymentIntent,
	method: PaymentMethod,
	occasion: Occasion,
	at: number
): Verdict {
	const behaviour = behaviourOf(account, method.id);
	const verdict = judge(behaviour, occasion);
	intent.payment_method = method.id;
	if (verdict.result === 'action') {
		intent.status = 'requires_action';
		intent.next_action = {
			type: 'use_stripe_sdk',
			use_stripe_sdk: { type: 'three_d_secure_redirect' }
		};
		account.emit('payment_intent.requires_action', intent);
		return verdict;
	}
	const failure = verdict.result === 'declined' ? verdict.failure : null;
	const status = failure ? 'failed' : verdict.result === 'processing' ? 'pending' : 'succeeded';
	const charge = createCharge(account, intent, method, status, failure, at);
	intent.latest_charge = charge.id;
	intent.next_action = null;
	if (status === 'succeeded') {
		if (occasion.authenticated) behaviour.authenticated = true;
		succeed(account, intent, charge);
	} else if (failure) {
		fail(account, intent, charge, failure, method);
	} else {
		intent.status = 'processing';
		account.emit('charge.pending', charge);
		account.emit('payment_intent.processing', intent);
	}
	return verdict;
}

/** Ends a payment that was `processing`. */
export function settle(account: Account, intent: PaymentIntent, paid: boolean): void {
	const charge = account.get('charges', intent.latest_charge ?? '');
	if (paid) {
		charge.status = 'succeeded';
		charge.paid = true;
		charge.captured = true;
		charge.amount_captured = charge.amount;
		succeed(account, intent, charge);
		return;
	}
	const failure: CardFailure = {
		type: 'card_error',
		code: 'payment_intent_payment_attempt_failed',
		message: 'The payment failed: the bank account has insufficient funds.'
	};
	charge.status = 'failed';
	charge.failure_code = 'insufficient_funds';
	charge.failure_message = failure.message;
	fail(
		account,
		intent,
		charge,
		failure,
		account.get('payment_methods', intent.payment_method ?? '')
	);
}

/** Gives up an intent whose invoice is void. */
export function cancelIntent(account: Account, intent: PaymentIntent, reason: string): void {
	if (intent.status === 'succeeded' || intent.status === 'canceled') return;
	intent.status = 'canceled';
	intent.canceled_at = account.now(intent.customer);
	intent.cancellation_reason = reason;
	account.emit('payment_intent.canceled', intent);
}

function succeed(account: Account, intent: PaymentIntent, charge: Charge): void {
	intent.status = 'succeeded';
	intent.amount_received = intent.amount;
	intent.last_payment_error = null;
	account.emit('charge.succeeded', charge);
	account.emit('payment_intent.succeeded', intent);
}

function fail(
	account: Account,
	intent: PaymentIntent,
	charge: Charge,
	failure: CardFailure,
	method: PaymentMethod
): void {
	intent.status = 'requires_payment_method';
	intent.last_payment_error = {
		...failure,
		...{ charge: charge.id, payment_method: structuredClone(method) }
	};
	intent.payment_method = null;
	account.emit('charge.failed', charge);
	account.emit('payment_intent.payment_failed', intent);
}

function createCharge(
	account: Account,
	intent: PaymentIntent,
	method: PaymentMethod,
	status: Charge['status'],
	failure: CardFailure | null,
	at: number
): Charge {
	const paid = status === 'succeeded';
	const id = account.id(method.card ? 'ch_3' : 'py_3', 23);
	return account.add('charges', {
		id,
		object: 'charge',
		amount: intent.amount,
		amount_captured: paid ? intent.amount : 0,
		amount_refunded: 0,
		captured: paid,
		created: at,
		currency: intent.currency,
		customer: intent.customer,
		disputed: false,
		failure_code: failure?.code ?? null,
		failure_message: failure?.message ?? null,
		metadata: intent.metadata,
		paid,
		payment_intent: intent.id,
		payment_method: method.id,
		refunded: false,
		status,
		...{
			application: null,
			application_fee: null,
			application_fee_amount: null,
			balance_transaction: paid ? account.id('txn_3', 23) : null,
			billing_details: structuredClone(method.billing_details),
			calculated_statement_descriptor: 'SANDBOX',
			customer_account: null,
			description: intent.description,
			failure_balance_transaction: null,
			fraud_details: {},
			livemode: false,
			on_behalf_of: null,
			outcome: outcomeOf(failure),
			payment_method_details: detailsOf(method),
			receipt_email: null,
			receipt_number: null,
			receipt_url: paid ? `${account.url}/receipts/${id}` : null,
			review: null,
			shipping: null,
			source: null,
			source_transfer: null,
			statement_descriptor: null,
			statement_descriptor_suffix: null,
			transfer_data: null,
			transfer_group: null
		}
	});
}

function outcomeOf(failure: CardFailure | null): object {
	return {
		advice_code: failure?.advice_code ?? null,
		network_advice_code: null,
		network_decline_code: failure ? '05' : null,
		network_status: failure ? 'declined_by_network' : 'approved_by_network',
		reason: failure ? (failure.decline_code ?? failure.code) : null,
		risk_level: 'normal',
		risk_score: 21,
		seller_message: failure
			? 'The bank did not return any further details with this decline.'
			: 'Payment complete.',
		type: failure ? 'issuer_declined' : 'authorized'
	};
}

function detailsOf(method: PaymentMethod): object {
	if (!method.card) return { type: method.type, [method.type]: { last4: '6789' } };
	const { brand, exp_month, exp_year, funding, last4 } = method.card;
	return {
		type: 'card',
		card: {
			amount_authorized: null,
			authorization_code: null,
			brand,
			checks: { address_line1_check: null, address_postal_code_check: null, cvc_check: 'pass' },
			country: 'US',
			electronic_commerce_indicator: null,
			exp_month,
			exp_year,
			funding,
			installments: null,
			last4,
			mandate: null,
			network: brand,
			network_transaction_id: null,
			regulated_status: 'unregulated',
			three_d_secure: null,
			transaction_link_id: null,
			wallet: null
		}
	};
}
