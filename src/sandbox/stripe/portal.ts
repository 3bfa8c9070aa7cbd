import type { Account } from './account.ts';
import type { Operation } from './api.ts';
import { requireCustomer } from './customers.ts';
import { invalid, missing } from './errors.ts';
import type { Form } from './form.ts';
import { matching, page } from './paging.ts';
import type { PortalConfiguration, PortalSession } from './state.ts';

const FLOWS = [
	'customer_update',
	'payment_method_update',
	'subscription_cancel',
	'subscription_pause',
	'subscription_update',
	'subscription_update_confirm'
] as const;
const OF_SUBSCRIPTION: readonly string[] = FLOWS.slice(2);

export const portal: Operation[] = [
	{
		method: 'POST',
		path: '/v1/billing_portal/configurations',
		run: ({ account, params }) => {
			if (!params.object('features')) throw missing('features');
			const created = account.now();
			const configuration = account.add('portal_configurations', {
				id: account.id('bpc_1', 23),
				object: 'billing_portal.configuration',
				active: true,
				business_profile: { headline: null, privacy_policy_url: null, terms_of_service_url: null },
				created,
				default_return_url: null,
				features: noFeatures(),
				// Only the dashboard saves a default; the console's control does it here.
				is_default: false,
				metadata: {},
				name: null,
				updated: created,
				...{ application: null, livemode: false, login_page: { enabled: false, url: null } }
			});
			apply(configuration, params);
			account.emit('billing_portal.configuration.created', configuration);
			return configuration;
		}
	},
	{
		method: 'GET',
		path: '/v1/billing_portal/configurations',
		run: ({ account, params }) => {
			const rows = matching(params, account.all('portal_configurations'), ['active', 'is_default']);
			return page(params, rows, '/v1/billing_portal/configurations');
		}
	},
	{
		method: 'GET',
		path: '/v1/billing_portal/configurations/:id',
		run: ({ account, path }) => account.get('portal_configurations', path.id ?? '')
	},
	{
		method: 'POST',
		path: '/v1/billing_portal/configurations/:id',
		run: ({ account, params, path }) => {
			const configuration = account.get('portal_configurations', path.id ?? '');
			apply(configuration, params);
			configuration.updated = account.now();
			account.emit('billing_portal.configuration.updated', configuration);
			return configuration;
		}
	},
	{
		method: 'POST',
		path: '/v1/billing_portal/sessions',
		run: ({ account, params }) => createSession(account, params)
	}
];

/** Saves the default configuration, as the dashboard's settings page does. */
export function saveDefault(account: Account): PortalConfiguration {
	const known = account.all('portal_configurations').find((row) => row.is_default);
	if (known) return known;
	const created = account.now();
	const features = noFeatures();
	for (const name of [
		'customer_update',
		'invoice_history',
		'payment_method_update',
		'subscription_cancel'
	]) {
		features[name] = { ...features[name], enabled: true };
	}
	return account.add('portal_configurations', {
		id: account.id('bpc_1', 23),
		object: 'billing_portal.configuration',
		active: true,
		business_profile: { headline: null, privacy_policy_url: null, terms_of_service_url: null },
		created,
		default_return_url: null,
		features,
		is_default: true,
		metadata: {},
		name: null,
		updated: created,
		...{ application: null, livemode: false, login_page: { enabled: false, url: null } }
	});
}

function createSession(account: Account, params: Form): object {
	const customer = requireCustomer(account, params);
	const wanted = params.text('configuration');
	const configuration = wanted
		? account.get('portal_configurations', wanted, 'configuration')
		: account.all('portal_configurations').find((row) => row.is_default && row.active);
	if (!configuration) {
		throw invalid(
			'No configuration provided and your test mode default configuration has not been created. Provide a configuration or create your default by saving your customer portal settings in test mode at https://dashboard.stripe.com/test/settings/billing/portal.'
		);
	}
	const returnUrl = params.nullable('return_url') ?? configuration.default_return_url;
	if (returnUrl && !URL.canParse(returnUrl))
		throw invalid('Not a valid URL', 'return_url', 'url_invalid');
	const flow = readFlow(account, params.object('flow_data'), customer.id);
	const id = account.id('bps_1', 23);
	const secret = account.secret();
	const session: PortalSession = account.add('portal_sessions', {
		id,
		object: 'billing_portal.session',
		configuration: configuration.id,
		created: account.now(),
		customer: customer.id,
		flow,
		locale: params.nullable('locale') ?? null,
		return_url: returnUrl,
		url: `${account.url}/p/session/${id}/${secret}`,
		...{ customer_account: null, livemode: false, on_behalf_of: null }
	});
	account.state.secrets[id] = secret;
	account.emit('billing_portal.session.created', session);
	return { ...session, flow: flow ? shownFlow(flow, params.object('flow_data')) : null };
}

function readFlow(
	account: Account,
	flow: Form | undefined,
	customer: string
): PortalSession['flow'] {
	if (!flow) return null;
	const type = flow.choice('type', FLOWS);
	if (!type) throw missing('flow_data[type]');
	const data = flow.object(type);
	let subscription: string | null = null;
	if (OF_SUBSCRIPTION.includes(type)) {
		if (!data) throw missing(`flow_data[${type}]`);
		const row = account.get(
			'subscriptions',
			data.required('subscription'),
			data.param('subscription')
		);
		if (row.customer !== customer)
			throw invalid('The subscription belongs to another customer.', data.param('subscription'));
		subscription = row.id;
	}
	const after = flow.object('after_completion')?.object('redirect')?.text('return_url') ?? null;
	return { type, subscription, after };
}

function shownFlow(flow: NonNullable<PortalSession['flow']>, data: Form | undefined): object {
	const of = (type: string) =>
		flow.type === type
			? {
					subscription: flow.subscription,
					...(type === 'subscription_cancel' ? { retention: null } : {})
				}
			: null;
	const after = data?.object('after_completion');
	return {
		after_completion: {
			hosted_confirmation:
				after?.text('type') === 'hosted_confirmation'
					? {
							custom_message:
								after.object('hosted_confirmation')?.nullable('custom_message') ?? null
						}
					: null,
			redirect: flow.after ? { return_url: flow.after } : null,
			type: after?.text('type') ?? 'portal_homepage'
		},
		subscription_cancel: of('subscription_cancel'),
		subscription_pause: of('subscription_pause'),
		subscription_update: of('subscription_update'),
		subscription_update_confirm:
			flow.type === 'subscription_update_confirm'
				? { discounts: null, items: [], subscription: flow.subscription }
				: null,
		type: flow.type
	};
}

function apply(configuration: PortalConfiguration, params: Form): void {
	configuration.active = params.flag('active') ?? configuration.active;
	if (params.has('name')) configuration.name = params.nullable('name') ?? null;
	if (params.has('default_return_url')) {
		configuration.default_return_url = params.nullable('default_return_url') ?? null;
	}
	const profile = params.object('business_profile');
	for (const name of profile?.names() ?? []) {
		configuration.business_profile[name] = profile?.nullable(name) ?? null;
	}
	const features = params.object('features');
	for (const name of features?.names() ?? []) {
		const given = features?.object(name);
		const known = configuration.features[name];
		if (!given || !known)
			throw invalid(
				`Received unknown parameter: features[${name}]`,
				`features[${name}]`,
				'parameter_unknown'
			);
		const enabled = given.flag('enabled');
		if (enabled !== undefined) known.enabled = enabled;
		for (const option of ['mode', 'proration_behavior']) {
			const value = given.text(option);
			if (value) known[option] = value;
		}
		for (const option of ['allowed_updates', 'default_allowed_updates']) {
			const values = given.texts(option);
			if (values) known[option] = values;
		}
	}
	configuration.metadata = params.metadata(configuration.metadata);
}

function noFeatures(): Record<string, Record<string, unknown>> {
	return {
		customer_update: { allowed_updates: ['email'], enabled: false },
		invoice_history: { enabled: false },
		payment_method_update: { enabled: false, payment_method_configuration: null },
		subscription_cancel: {
			cancellation_reason: { enabled: false, feedback_options: [], options: [] },
			enabled: false,
			mode: 'at_period_end',
			proration_behavior: 'none'
		},
		subscription_pause: { duration: { interval_options: [], type: 'indefinite' }, enabled: false },
		subscription_update: {
			billing_cycle_anchor: null,
			default_allowed_updates: [],
			enabled: false,
			proration_behavior: 'none',
			schedule_at_period_end: { conditions: [] },
			trial_update_behavior: 'end_trial'
		}
	};
}
