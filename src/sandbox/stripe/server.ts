import type { Route, SandboxRequest, SandboxResponse } from '../kernel/http.ts';
import { serveVendor } from '../kernel/http.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { Account, API_VERSION } from './account.ts';
import { routes, type Operation, type Replays } from './api.ts';
import { catalog } from './catalog.ts';
import { checkout } from './checkout.ts';
import { testClocks } from './clocks.ts';
import { stripeControlRoutes } from './control.ts';
import { coupons } from './coupons.ts';
import { creditNotes } from './creditnotes.ts';
import { customers } from './customers.ts';
import { disputes } from './disputes.ts';
import { runDue } from './due.ts';
import { StripeError } from './errors.ts';
import { addEndpoint, events, USUAL_EVENTS } from './events.ts';
import { invoices } from './invoices.ts';
import { subscriptionItems } from './items.ts';
import { paymentMethods } from './methods.ts';
import { checkoutPages } from './pages/checkoutpage.ts';
import { invoicePages } from './pages/invoicepage.ts';
import { portalPages } from './pages/portalpage.ts';
import { payments } from './payments.ts';
import { portal } from './portal.ts';
import { refunds } from './refunds.ts';
import { schedules } from './schedules.ts';
import { setupIntents } from './setup.ts';
import { subscriptions } from './subscriptions.ts';
import { taxIds } from './taxids.ts';
import { Deliveries } from './webhooks.ts';

/** Known keys, so that a reset does not cut off who holds them; the product refuses them in production. */
export const SANDBOX_KEY = 'sk_test_sandbox_51Hc4k2LkdIwHu7ixQ9';
export const SANDBOX_WEBHOOK_SECRET = 'whsec_sandbox_0f3b8c1d5e7a9b2c4d6e8f';
const GIVEN_ENDPOINT = 'we_1SandboxGivenEndpoint00000';
const TICK_MS = 1000;

export interface StripeOptions {
	port: number;
	/** Origin of an application whose `/webhooks/stripe` is subscribed from the start, with a known secret. */
	appUrl?: string;
}

export interface StripeServer {
	port: number;
	url: string;
	key: string;
	webhook_secret: string;
	account: Account;
	controlRoutes: Route[];
	close(): Promise<void>;
}

const OPERATIONS: Operation[] = [
	...catalog,
	...customers,
	...paymentMethods,
	...taxIds,
	...coupons,
	...checkout,
	...subscriptions,
	...subscriptionItems,
	...schedules,
	...invoices,
	...payments,
	...refunds,
	...creditNotes,
	...disputes,
	...setupIntents,
	...portal,
	...events,
	...testClocks
];

/** Stripe in test mode on 127.0.0.1: the API, the hosted pages and the webhooks. */
export async function startStripe(kernel: Kernel, options: StripeOptions): Promise<StripeServer> {
	const account = new Account(kernel);
	const deliveries = new Deliveries(account);
	const replays = kernel.store.document<Replays>('stripe-idempotency', () => ({}));
	const prepare = (): void => {
		if (!options.appUrl) return;
		addEndpoint(account, {
			id: GIVEN_ENDPOINT,
			url: new URL('/webhooks/stripe', options.appUrl).href,
			events: USUAL_EVENTS,
			secret: SANDBOX_WEBHOOK_SECRET,
			api_version: API_VERSION,
			description: 'Given at start'
		});
	};
	prepare();
	kernel.onReset(prepare);
	const controlRoutes = stripeControlRoutes(account, deliveries);
	const server = await serveVendor(
		kernel,
		'stripe',
		[
			...routes(account, replays, OPERATIONS),
			...checkoutPages(account),
			...invoicePages(account),
			...portalPages(account),
			...controlRoutes
		],
		{
			port: options.port,
			before: authenticate,
			notFound: (request) =>
				new StripeError(
					404,
					'invalid_request_error',
					`Unrecognized request URL (${request.method}: ${request.path}). Please see https://stripe.com/docs or we can help at https://support.stripe.com/.`
				).response(account.id('req_', 14)),
			onError: (error) => unexpected(account, error)
		}
	);
	account.url = `http://127.0.0.1:${server.port}`;
	const ticker = setInterval(() => runDue(account), TICK_MS).unref();
	return {
		port: server.port,
		url: account.url,
		key: SANDBOX_KEY,
		webhook_secret: SANDBOX_WEBHOOK_SECRET,
		account,
		controlRoutes,
		close: async () => {
			clearInterval(ticker);
			await server.close();
			await deliveries.close();
		}
	};
}

/** `Authorization: Bearer sk_…`, or Basic with the key as user. */
function authenticate(request: SandboxRequest): SandboxResponse | null {
	if (!request.path.startsWith('/v1/')) return null;
	const header = request.headers.authorization ?? '';
	const [scheme = '', value = ''] = header.split(' ');
	const key =
		scheme.toLowerCase() === 'basic'
			? (Buffer.from(value, 'base64').toString('utf8').split(':')[0] ?? '')
			: value;
	if (!key) {
		return new StripeError(
			401,
			'invalid_request_error',
			"You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."
		).response('');
	}
	if (key !== SANDBOX_KEY) {
		const shown = `${key.slice(0, 8)}${'*'.repeat(8)}${key.slice(-4)}`;
		return new StripeError(
			401,
			'invalid_request_error',
			`Invalid API Key provided: ${shown}`
		).response('');
	}
	const version = request.headers['stripe-version'];
	if (version && !/^\d{4}-\d{2}-\d{2}(\.[a-z]+)?$/.test(version)) {
		return new StripeError(
			400,
			'invalid_request_error',
			`Invalid Stripe API version: ${version}`
		).response('');
	}
	return null;
}

function unexpected(account: Account, error: unknown): SandboxResponse {
	const id = account.id('req_', 14);
	if (error instanceof StripeError) return error.response(id);
	process.stderr.write(`sandbox stripe: ${error instanceof Error ? error.stack : String(error)}\n`);
	return new StripeError(
		500,
		'api_error',
		`An error occurred with our connection to Stripe. Request ${id}.`
	).response(id);
}
