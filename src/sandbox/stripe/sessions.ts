import type { Account } from './account.ts';
import { invalid } from './errors.ts';
import type { Form } from './form.ts';
import type { Session } from './state.ts';

const PAYMENT_TYPES = ['card', 'us_bank_account'];

interface Given {
	mode: Session['mode'];
	ui: string;
	customer: string | null;
	email: string | null;
	expires_at: number;
	subtotal: number | null;
	total: number | null;
	currency: string | null;
}

/** An open session; subscription, invoice and payment intent come with its completion. */
export function newSession(account: Account, params: Form, given: Given): Session {
	const id = `cs_test_a1${account.id('', 56)}`;
	const customer = account.find('customers', given.customer);
	const allowed = params.texts('allowed_payment_method_types') ?? null;
	const unknown = allowed?.find((type) => !PAYMENT_TYPES.includes(type));
	if (unknown) {
		throw invalid(
			`The payment method type "${unknown}" is invalid.`,
			'allowed_payment_method_types'
		);
	}
	const hosted = given.ui === 'hosted_page';
	const email = customer?.email ?? given.email;
	return account.add('sessions', {
		id,
		object: 'checkout.session',
		amount_subtotal: given.subtotal,
		amount_total: given.total,
		cancel_url: params.nullable('cancel_url') ?? null,
		client_reference_id: params.nullable('client_reference_id') ?? null,
		created: account.now(),
		currency: given.currency,
		customer: given.customer,
		customer_details: email ? details(email, customer?.name ?? null) : null,
		customer_email: given.email,
		expires_at: given.expires_at,
		invoice: null,
		locale: params.text('locale') ?? null,
		metadata: params.metadata(),
		mode: given.mode,
		payment_intent: null,
		payment_method_collection:
			given.mode === 'subscription'
				? (params.choice('payment_method_collection', ['always', 'if_required']) ?? 'always')
				: 'if_required',
		payment_method_types: allowed ?? PAYMENT_TYPES,
		payment_status: given.total === 0 ? 'no_payment_required' : 'unpaid',
		setup_intent: null,
		status: 'open',
		subscription: null,
		success_url: params.nullable('success_url') ?? null,
		ui_mode: given.ui,
		url: hosted ? `${account.url}/c/pay/${id}` : null,
		...{
			...SESSION_REST,
			adaptive_pricing: { enabled: false },
			allow_promotion_codes: params.flag('allow_promotion_codes') ?? null,
			allowed_payment_method_types: allowed,
			billing_address_collection: params.text('billing_address_collection') ?? null,
			client_secret: hosted ? null : `${id}_secret_${account.secret()}`,
			customer_creation:
				given.mode === 'payment' ? 'if_required' : given.customer ? null : 'always',
			...(hosted ? {} : { return_url: params.text('return_url') }),
			tax_id_collection: {
				enabled: params.object('tax_id_collection')?.flag('enabled') ?? false,
				required: 'never'
			},
			total_details: {
				amount_discount: (given.subtotal ?? 0) - (given.total ?? 0),
				amount_shipping: 0,
				amount_tax: 0
			}
		}
	});
}

export function details(email: string | null, name: string | null) {
	return {
		email,
		name,
		...{
			address: null,
			business_name: null,
			individual_name: name,
			phone: null,
			tax_exempt: 'none',
			tax_ids: []
		}
	};
}

export function expireSession(account: Account, session: Session): void {
	session.status = 'expired';
	session.url = null;
	account.emit('checkout.session.expired', session);
}

const SESSION_REST = {
	after_expiration: null,
	automatic_tax: { enabled: false, liability: null, provider: null, status: null },
	collected_information: null,
	consent: null,
	consent_collection: null,
	currency_conversion: null,
	custom_fields: [],
	custom_text: {
		after_submit: null,
		shipping_address: null,
		submit: null,
		terms_of_service_acceptance: null
	},
	customer_account: null,
	discounts: [],
	integration_identifier: null,
	invoice_creation: null,
	livemode: false,
	managed_payments: null,
	origin_context: null,
	payment_link: null,
	payment_method_configuration_details: null,
	payment_method_options: { card: { request_three_d_secure: 'automatic' } },
	permissions: null,
	phone_number_collection: { enabled: false },
	recovered_from: null,
	saved_payment_method_options: null,
	shipping_address_collection: null,
	shipping_cost: null,
	shipping_options: [],
	submit_type: null,
	wallet_options: null
};
