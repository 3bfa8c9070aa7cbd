import type { Account } from './account.ts';
import type { Operation } from './api.ts';
import { invalid, missing } from './errors.ts';
import type { Form } from './form.ts';
import { attach } from './methods.ts';
import { createdIn, matching, page } from './paging.ts';
import { cancelNow } from './subscriptions.ts';
import { createTaxId } from './taxids.ts';
import type { Address, Customer } from './types.ts';

const ADDRESS = ['city', 'country', 'line1', 'line2', 'postal_code', 'state'] as const;

export const customers: Operation[] = [
	{
		method: 'POST',
		path: '/v1/customers',
		run: ({ account, params }) => {
			const clock = params.text('test_clock') ?? null;
			if (clock) account.get('test_clocks', clock, 'test_clock');
			const customer = createCustomer(account, { test_clock: clock }, false);
			apply(account, customer, params);
			account.emit('customer.created', customer);
			for (const data of params.list('tax_id_data') ?? []) createTaxId(account, customer, data);
			const method = params.text('payment_method');
			if (method) attach(account, method, customer.id);
			return customer;
		}
	},
	{
		method: 'GET',
		path: '/v1/customers',
		run: ({ account, params }) => {
			const clock = params.text('test_clock') ?? null;
			const rows = matching(params, account.all('customers'), ['email'])
				.filter(createdIn(params))
				.filter((row) => row.test_clock === clock);
			return page(params, rows, '/v1/customers');
		}
	},
	{
		method: 'GET',
		path: '/v1/customers/:id',
		run: ({ account, path }) => {
			const id = path.id ?? '';
			if (account.state.secrets[`deleted:${id}`]) return { id, object: 'customer', deleted: true };
			return account.get('customers', id);
		}
	},
	{
		method: 'POST',
		path: '/v1/customers/:id',
		run: ({ account, params, path }) => {
			const customer = account.get('customers', path.id ?? '');
			refuseWhileAdvancing(account, customer.id);
			const before = structuredClone(customer);
			apply(account, customer, params);
			account.emit('customer.updated', customer, difference(before, customer));
			return customer;
		}
	},
	{
		method: 'DELETE',
		path: '/v1/customers/:id',
		run: ({ account, path }) => {
			const customer = account.get('customers', path.id ?? '');
			deleteCustomer(account, customer);
			return { id: customer.id, object: 'customer', deleted: true };
		}
	}
];

export function deleteCustomer(account: Account, customer: Customer): void {
	for (const subscription of account.all('subscriptions')) {
		if (subscription.customer !== customer.id || subscription.ended_at !== null) continue;
		cancelNow(account, subscription, account.now(customer.id), 'cancellation_requested');
	}
	account.remove('customers', customer.id);
	account.state.secrets[`deleted:${customer.id}`] = 'yes';
	account.emit('customer.deleted', customer);
}

/** A customer with Stripe's defaults. */
export function createCustomer(
	account: Account,
	given: Partial<Pick<Customer, 'email' | 'name' | 'test_clock'>>,
	announce = true
): Customer {
	const customer = account.add('customers', {
		id: account.id('cus_', 14),
		object: 'customer',
		address: null,
		balance: 0,
		created:
			(given.test_clock && account.find('test_clocks', given.test_clock)?.frozen_time) ||
			account.now(),
		currency: null,
		delinquent: false,
		description: null,
		email: null,
		name: null,
		phone: null,
		invoice_prefix: account.id('', 8).toUpperCase(),
		invoice_settings: {
			default_payment_method: null,
			...{ custom_fields: null, footer: null, rendering_options: null }
		},
		metadata: {},
		next_invoice_sequence: 1,
		preferred_locales: [],
		tax_exempt: 'none',
		test_clock: null,
		...{ default_source: null, discount: null, livemode: false, shipping: null },
		...given
	});
	if (announce) account.emit('customer.created', customer);
	return customer;
}

function apply(account: Account, customer: Customer, params: Form): void {
	const email = params.nullable('email');
	if (email && !/^[^@\s]+@[^@\s]+$/.test(email)) {
		throw invalid(`Invalid email address: ${email}`, 'email', 'email_invalid');
	}
	for (const name of ['email', 'name', 'phone', 'description'] as const) {
		const value = params.nullable(name);
		if (value !== undefined) customer[name] = value;
	}
	if (params.has('address')) customer.address = addressOf(params.object('address'));
	customer.balance = params.integer('balance') ?? customer.balance;
	customer.preferred_locales = params.texts('preferred_locales') ?? customer.preferred_locales;
	customer.tax_exempt =
		params.choice('tax_exempt', ['none', 'exempt', 'reverse']) ?? customer.tax_exempt;
	customer.next_invoice_sequence =
		params.integer('next_invoice_sequence') ?? customer.next_invoice_sequence;
	const settings = params.object('invoice_settings');
	const method = settings?.nullable('default_payment_method');
	if (settings && method !== undefined) {
		if (method) ownMethod(account, method, customer.id, 'invoice_settings[default_payment_method]');
		customer.invoice_settings.default_payment_method = method;
	}
	customer.metadata = params.metadata(customer.metadata);
}

/** @throws StripeError when the payment method is not saved to this customer */
export function ownMethod(account: Account, id: string, customer: string, param: string): void {
	const method = account.get('payment_methods', id, param);
	if (method.customer === customer) return;
	throw invalid(
		`The customer does not have a payment method with the ID ${id}. The payment method must be attached to the customer.`,
		param,
		'resource_missing'
	);
}

export function addressOf(params: Form | undefined): Address | null {
	if (!params) return null;
	const address: Address = {
		city: null,
		country: null,
		line1: null,
		line2: null,
		postal_code: null,
		state: null
	};
	for (const name of ADDRESS) address[name] = params.nullable(name) ?? null;
	return address;
}

/** `previous_attributes`: what the changed top-level fields were. */
export function difference(before: object, after: object): object {
	const now = new Map(Object.entries(after));
	return Object.fromEntries(
		Object.entries(before).filter(
			([name, value]) => JSON.stringify(value) !== JSON.stringify(now.get(name))
		)
	);
}

/** Objects of a test clock cannot be written to while it advances. */
export function refuseWhileAdvancing(account: Account, customer: string): void {
	const clock = account.find('test_clocks', account.find('customers', customer)?.test_clock);
	if (clock?.status !== 'advancing') return;
	throw invalid('Test clock advancement underway - cannot perform modifications.');
}

export function requireCustomer(account: Account, params: Form): Customer {
	const id = params.text('customer');
	if (!id) throw missing('customer');
	return account.get('customers', id, 'customer');
}
