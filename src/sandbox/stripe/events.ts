import type { Account } from './account.ts';
import type { Operation } from './api.ts';
import { invalid, missing, noSuch } from './errors.ts';
import type { Form } from './form.ts';
import { createdIn, page } from './paging.ts';
import type { WebhookEndpoint } from './state.ts';

/** What a receiver of subscriptions, refunds and disputes subscribes to. */
export const USUAL_EVENTS = [
	'checkout.session.completed',
	'checkout.session.async_payment_succeeded',
	'checkout.session.async_payment_failed',
	'checkout.session.expired',
	'customer.subscription.created',
	'customer.subscription.updated',
	'customer.subscription.deleted',
	'customer.subscription.paused',
	'customer.subscription.resumed',
	'customer.subscription.trial_will_end',
	'customer.subscription.pending_update_applied',
	'customer.subscription.pending_update_expired',
	'invoice.created',
	'invoice.finalized',
	'invoice.finalization_failed',
	'invoice.paid',
	'invoice.payment_failed',
	'invoice.payment_action_required',
	'invoice.overdue',
	'invoice.voided',
	'invoice.marked_uncollectible',
	'invoice.upcoming',
	'customer.updated',
	'customer.deleted',
	'refund.created',
	'refund.updated',
	'refund.failed',
	'charge.dispute.created',
	'charge.dispute.closed',
	'credit_note.created',
	'credit_note.voided',
	'setup_intent.succeeded'
];

export const events: Operation[] = [
	{
		method: 'GET',
		path: '/v1/events',
		run: ({ account, params }) => {
			const type = params.text('type');
			const types = params.texts('types');
			const delivered = params.flag('delivery_success');
			const rows = Object.values(account.log.events)
				.filter(createdIn(params))
				.filter((row) => !type || fits(type, row.type))
				.filter((row) => !types || types.some((wanted) => fits(wanted, row.type)))
				.filter((row) => delivered === undefined || (row.pending_webhooks === 0) === delivered);
			return page(params, rows, '/v1/events');
		}
	},
	{
		method: 'GET',
		path: '/v1/events/:id',
		run: ({ account, path }) => {
			const event = account.log.events[path.id ?? ''];
			if (!event) throw noSuch('event', path.id ?? '');
			return event;
		}
	},
	{
		method: 'POST',
		path: '/v1/webhook_endpoints',
		run: ({ account, params }) => {
			const url = endpointUrl(params);
			const endpoint = addEndpoint(account, {
				url,
				events: enabledEvents(params),
				secret: `whsec_${account.secret()}`,
				api_version: params.text('api_version') ?? null,
				description: params.nullable('description') ?? null
			});
			endpoint.metadata = params.metadata();
			return { ...endpoint, secret: account.state.secrets[endpoint.id] };
		}
	},
	{
		method: 'GET',
		path: '/v1/webhook_endpoints',
		run: ({ account, params }) =>
			page(params, account.all('webhook_endpoints'), '/v1/webhook_endpoints')
	},
	{
		method: 'GET',
		path: '/v1/webhook_endpoints/:id',
		run: ({ account, path }) => account.get('webhook_endpoints', path.id ?? '')
	},
	{
		method: 'POST',
		path: '/v1/webhook_endpoints/:id',
		run: ({ account, params, path }) => {
			const endpoint = account.get('webhook_endpoints', path.id ?? '');
			if (params.has('url')) endpoint.url = endpointUrl(params);
			if (params.has('enabled_events')) endpoint.enabled_events = enabledEvents(params);
			const disabled = params.flag('disabled');
			if (disabled !== undefined) endpoint.status = disabled ? 'disabled' : 'enabled';
			if (params.has('description')) endpoint.description = params.nullable('description') ?? null;
			endpoint.metadata = params.metadata(endpoint.metadata);
			return endpoint;
		}
	},
	{
		method: 'DELETE',
		path: '/v1/webhook_endpoints/:id',
		run: ({ account, path }) => {
			const { id } = account.get('webhook_endpoints', path.id ?? '');
			account.remove('webhook_endpoints', id);
			return { id, object: 'webhook_endpoint', deleted: true };
		}
	}
];

export function addEndpoint(
	account: Account,
	given: {
		id?: string;
		url: string;
		events: string[];
		secret: string;
		api_version: string | null;
		description: string | null;
	}
): WebhookEndpoint {
	const endpoint = account.add('webhook_endpoints', {
		id: given.id ?? account.id('we_1', 23),
		object: 'webhook_endpoint',
		api_version: given.api_version,
		created: account.now(),
		description: given.description,
		enabled_events: given.events,
		metadata: {},
		status: 'enabled',
		url: given.url,
		...{ application: null, livemode: false }
	});
	account.state.secrets[endpoint.id] = given.secret;
	return endpoint;
}

function endpointUrl(params: Form): string {
	const url = params.required('url');
	if (!URL.canParse(url) || !/^https?:/.test(url))
		throw invalid('Not a valid URL', 'url', 'url_invalid');
	return url;
}

function enabledEvents(params: Form): string[] {
	const types = params.texts('enabled_events');
	if (!types?.length) throw missing('enabled_events');
	const odd = types.find((type) => type !== '*' && !/^[a-z0-9_]+(\.[a-z0-9_]+)+$/.test(type));
	if (odd) throw invalid(`Invalid enabled_events: ${odd}`, 'enabled_events');
	return types;
}

function fits(wanted: string, type: string): boolean {
	return wanted.endsWith('*') ? type.startsWith(wanted.slice(0, -1)) : wanted === type;
}
