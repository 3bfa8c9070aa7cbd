import type { Account } from './account.ts';
import type { Call, Operation } from './api.ts';
import { behaviourOf, judge } from './cards.ts';
import { invalid } from './errors.ts';
import { attach } from './methods.ts';
import { createdIn, matching, page } from './paging.ts';
import type { SetupIntent } from './state.ts';
import type { Metadata, PaymentMethod } from './types.ts';

export const setupIntents: Operation[] = [
	{ method: 'POST', path: '/v1/setup_intents', run: create },
	{
		method: 'GET',
		path: '/v1/setup_intents',
		run: ({ account, params }) => {
			const rows = matching(params, account.all('setup_intents'), ['customer', 'payment_method']);
			return page(params, rows.filter(createdIn(params)), '/v1/setup_intents');
		}
	},
	{
		method: 'GET',
		path: '/v1/setup_intents/:id',
		run: ({ account, path }) => account.get('setup_intents', path.id ?? '')
	},
	{
		method: 'POST',
		path: '/v1/setup_intents/:id',
		run: ({ account, params, path }) => {
			const intent = account.get('setup_intents', path.id ?? '');
			if (params.has('description')) intent.description = params.nullable('description') ?? null;
			const method = params.text('payment_method');
			if (method)
				intent.payment_method = account.get('payment_methods', method, 'payment_method').id;
			intent.metadata = params.metadata(intent.metadata);
			return intent;
		}
	},
	{
		method: 'POST',
		path: '/v1/setup_intents/:id/confirm',
		run: ({ account, params, path }) => {
			const intent = account.get('setup_intents', path.id ?? '');
			if (intent.status === 'succeeded' || intent.status === 'canceled') {
				throw invalid(
					`You cannot confirm this SetupIntent because it has a status of ${intent.status}.`,
					undefined,
					'setup_intent_unexpected_state'
				);
			}
			return confirmSetup(account, intent, params.text('payment_method') ?? intent.payment_method);
		}
	},
	{
		method: 'POST',
		path: '/v1/setup_intents/:id/cancel',
		run: ({ account, path }) => {
			const intent = account.get('setup_intents', path.id ?? '');
			if (intent.status === 'succeeded') {
				throw invalid(
					'You cannot cancel this SetupIntent because it has a status of succeeded.',
					undefined,
					'setup_intent_unexpected_state'
				);
			}
			intent.status = 'canceled';
			account.emit('setup_intent.canceled', intent);
			return intent;
		}
	}
];

/** The setup intent of a checkout session in setup mode; the method is attached already. */
export function createSetupIntent(
	account: Account,
	customer: string,
	method: PaymentMethod | null
): SetupIntent {
	const intent = add(account, customer, {}, null);
	intent.payment_method = method?.id ?? null;
	intent.status = 'succeeded';
	account.emit('setup_intent.succeeded', intent);
	return intent;
}

function create({ account, params }: Call): SetupIntent {
	const customer = params.text('customer') ?? null;
	if (customer) account.get('customers', customer, 'customer');
	const confirms = params.flag('confirm') ?? false;
	if (!confirms && (params.has('return_url') || params.has('mandate_data'))) {
		throw invalid(
			'`return_url` and `mandate_data` can only be passed with `confirm: true`.',
			'return_url'
		);
	}
	const intent = add(account, customer, params.metadata(), params.nullable('description') ?? null);
	intent.usage = params.text('usage') ?? 'off_session';
	const method = params.text('payment_method') ?? null;
	if (method && !confirms) {
		intent.payment_method = account.get('payment_methods', method, 'payment_method').id;
		intent.status = 'requires_confirmation';
	}
	account.emit('setup_intent.created', intent);
	return confirms ? confirmSetup(account, intent, method) : intent;
}

/** Success saves the method to the customer; it does not become the default. */
function confirmSetup(account: Account, intent: SetupIntent, method: string | null): SetupIntent {
	if (!method) {
		throw invalid(
			"You cannot confirm this SetupIntent because it's missing a payment method.",
			'payment_method',
			'setup_intent_unexpected_state'
		);
	}
	const occasion = { offSession: false, authenticated: false, checkout: true };
	const found = account.find('payment_methods', method);
	if (found && judge(behaviourOf(account, found.id), occasion).result === 'action') {
		intent.status = 'requires_action';
		intent.payment_method = found.id;
		intent.next_action = {
			type: 'use_stripe_sdk',
			use_stripe_sdk: { type: 'three_d_secure_redirect' }
		};
		account.emit('setup_intent.requires_action', intent);
		return intent;
	}
	const saved = intent.customer
		? attach(account, method, intent.customer)
		: account.get('payment_methods', method, 'payment_method');
	intent.payment_method = saved.id;
	intent.status = 'succeeded';
	account.emit('setup_intent.succeeded', intent);
	return intent;
}

function add(
	account: Account,
	customer: string | null,
	metadata: Metadata,
	description: string | null
): SetupIntent {
	const id = account.id('seti_1', 23);
	return account.add('setup_intents', {
		id,
		object: 'setup_intent',
		client_secret: `${id}_secret_${account.secret()}`,
		created: account.now(customer),
		customer,
		description,
		last_setup_error: null,
		metadata,
		next_action: null,
		payment_method: null,
		status: 'requires_payment_method',
		usage: 'off_session',
		...{
			allowed_payment_method_types: null,
			application: null,
			automatic_payment_methods: { allow_redirects: 'always', enabled: true },
			cancellation_reason: null,
			customer_account: null,
			excluded_payment_method_types: null,
			flow_directions: null,
			latest_attempt: null,
			livemode: false,
			managed_payments: null,
			mandate: null,
			on_behalf_of: null,
			payment_method_configuration_details: null,
			payment_method_options: { card: { request_three_d_secure: 'automatic' } },
			payment_method_types: ['card'],
			single_use_mandate: null
		}
	});
}
