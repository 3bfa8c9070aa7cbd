import type { Account } from './account.ts';
import type { Operation } from './api.ts';
import { behaviourOf, brandOf, declineOf, NAMED_CARDS } from './cards.ts';
import { addressOf, difference } from './customers.ts';
import { invalid, missing, StripeError } from './errors.ts';
import type { Form } from './form.ts';
import { matching, page } from './paging.ts';
import type { PaymentMethod } from './types.ts';

const NO_ADDRESS = {
	city: null,
	country: null,
	line1: null,
	line2: null,
	postal_code: null,
	state: null
};

export const paymentMethods: Operation[] = [
	{
		method: 'POST',
		path: '/v1/payment_methods',
		run: ({ account, params }) => {
			const type = params.required('type');
			if (type !== 'card') {
				if (type !== 'us_bank_account') throw invalid(`Invalid type: ${type}`, 'type');
				return createMethod(account, 'bank', params);
			}
			const card = params.object('card');
			if (!card) throw missing('card');
			const token = card.text('token');
			const number = token
				? NAMED_CARDS[token.replace(/^tok_/, 'pm_card_')]
				: card.required('number');
			if (!number) throw invalid(`No such token: '${token}'`, 'card[token]', 'resource_missing');
			return createMethod(account, number.replaceAll(' ', ''), params, card);
		}
	},
	{
		method: 'GET',
		path: '/v1/payment_methods',
		run: ({ account, params }) => {
			const rows = params.has('customer')
				? matching(params, account.all('payment_methods'), ['customer', 'type'])
				: [];
			return page(params, rows, '/v1/payment_methods');
		}
	},
	{
		method: 'GET',
		path: '/v1/payment_methods/:id',
		run: ({ account, path }) => account.get('payment_methods', path.id ?? '')
	},
	{
		method: 'POST',
		path: '/v1/payment_methods/:id',
		run: ({ account, params, path }) => {
			const method = account.get('payment_methods', path.id ?? '');
			if (!method.customer) {
				throw invalid('You must save this PaymentMethod to a customer before you can update it.');
			}
			const before = structuredClone(method);
			billingDetails(method, params.object('billing_details'));
			const card = params.object('card');
			if (card && method.card) {
				method.card.exp_month = card.integer('exp_month') ?? method.card.exp_month;
				method.card.exp_year = card.integer('exp_year') ?? method.card.exp_year;
			}
			method.metadata = params.metadata(method.metadata);
			account.emit('payment_method.updated', method, difference(before, method));
			return method;
		}
	},
	{
		method: 'POST',
		path: '/v1/payment_methods/:id/attach',
		run: ({ account, params, path }) => {
			const customer = params.required('customer');
			account.get('customers', customer, 'customer');
			return attach(account, path.id ?? '', customer);
		}
	},
	{
		method: 'POST',
		path: '/v1/payment_methods/:id/detach',
		run: ({ account, path }) => {
			const method = account.get('payment_methods', path.id ?? '');
			if (!method.customer) {
				throw invalid(
					'The payment method you provided is not attached to a customer so detachment is impossible.'
				);
			}
			detach(account, method);
			return method;
		}
	},
	{
		method: 'GET',
		path: '/v1/customers/:id/payment_methods',
		run: ({ account, params, path }) => {
			const { id } = account.get('customers', path.id ?? '');
			const rows = matching(params, account.all('payment_methods'), ['type']).filter(
				(row) => row.customer === id
			);
			return page(params, rows, `/v1/customers/${id}/payment_methods`);
		}
	}
];

/** Creates a payment method for a test card's number, or `bank` for a debit that takes days. */
export function createMethod(
	account: Account,
	number: string,
	params?: Form,
	card?: Form
): PaymentMethod {
	const shape = number === 'bank' ? bankShape() : cardShape(number, card);
	const method = account.add('payment_methods', {
		id: account.id('pm_1', 23),
		object: 'payment_method',
		billing_details: {
			address: { ...NO_ADDRESS },
			email: null,
			name: null,
			phone: null,
			...{ tax_id: null }
		},
		created: account.now(),
		customer: null,
		metadata: params?.metadata() ?? {},
		...{ allow_redisplay: 'unspecified', customer_account: null, livemode: false },
		...shape
	});
	billingDetails(method, params?.object('billing_details'));
	account.state.behaviours[method.id] = { number, authenticated: false };
	return method;
}

/**
 * Saves a payment method to a customer; `pm_card_visa` and its like make a new one.
 * @throws StripeError card_error when the bank refuses the card at once
 */
export function attach(account: Account, id: string, customer: string): PaymentMethod {
	const named = NAMED_CARDS[id];
	const method = named ? createMethod(account, named) : account.get('payment_methods', id);
	if (account.state.secrets[`detached:${method.id}`]) {
		throw invalid(
			'This PaymentMethod was previously used without being attached to a Customer or was detached from a Customer, and may not be used again.',
			'payment_method'
		);
	}
	if (method.customer && method.customer !== customer) {
		throw invalid('The payment method you provided has already been attached to a customer.');
	}
	const refusal = declineOf(behaviourOf(account, method.id).number);
	if (refusal) {
		account.remove('payment_methods', method.id);
		throw new StripeError(402, 'card_error', refusal.message, {
			code: refusal.code,
			...(refusal.decline_code ? { decline_code: refusal.decline_code } : {})
		});
	}
	method.customer = customer;
	account.emit('payment_method.attached', method);
	return method;
}

function detach(account: Account, method: PaymentMethod): void {
	for (const customer of account.all('customers')) {
		const settings = customer.invoice_settings;
		if (settings.default_payment_method === method.id) settings.default_payment_method = null;
	}
	for (const subscription of account.all('subscriptions')) {
		if (subscription.default_payment_method === method.id)
			subscription.default_payment_method = null;
	}
	const customer = method.customer;
	method.customer = null;
	account.state.secrets[`detached:${method.id}`] = 'yes';
	account.emit('payment_method.detached', method, { customer });
}

function billingDetails(method: PaymentMethod, params: Form | undefined): void {
	if (!params) return;
	for (const name of ['email', 'name', 'phone'] as const) {
		const value = params.nullable(name);
		if (value !== undefined) method.billing_details[name] = value;
	}
	if (params.has('address')) {
		method.billing_details.address = addressOf(params.object('address')) ?? { ...NO_ADDRESS };
	}
}

function cardShape(number: string, params: Form | undefined): Pick<PaymentMethod, 'type' | 'card'> {
	if (!/^\d{12,19}$/.test(number)) {
		throw new StripeError(402, 'card_error', 'Your card number is incorrect.', {
			code: 'incorrect_number',
			param: 'card[number]'
		});
	}
	const brand = brandOf(number);
	return {
		type: 'card',
		card: {
			brand,
			exp_month: params?.integer('exp_month') ?? 12,
			exp_year: params?.integer('exp_year') ?? new Date().getUTCFullYear() + 4,
			funding: 'credit',
			last4: number.slice(-4),
			...{
				checks: { address_line1_check: null, address_postal_code_check: null, cvc_check: 'pass' },
				country: 'US',
				display_brand: brand,
				fingerprint: `sandbox${number.slice(-9)}`,
				generated_from: null,
				networks: { available: [brand], preferred: null },
				regulated_status: 'unregulated',
				three_d_secure_usage: { supported: true },
				wallet: null
			}
		}
	};
}

function bankShape(): Pick<PaymentMethod, 'type'> {
	return {
		type: 'us_bank_account',
		...{
			us_bank_account: {
				account_holder_type: 'company',
				account_type: 'checking',
				bank_name: 'STRIPE TEST BANK',
				financial_connections_account: null,
				fingerprint: 'sandboxbank6789',
				last4: '6789',
				networks: { preferred: 'ach', supported: ['ach'] },
				routing_number: '110000000',
				status_details: null
			}
		}
	};
}
