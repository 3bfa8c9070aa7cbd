import Stripe from 'stripe';
import type { CallRecorder } from '../record.ts';
import { caller } from './call.server.ts';
import { BadSignature } from './errors.ts';
import { catalogue } from './catalogue.server.ts';
import { changes } from './changes.server.ts';
import { coupons } from './coupons.server.ts';
import { customers } from './customers.server.ts';
import { lists } from './lists.server.ts';
import { patientHttp } from './patience.server.ts';
import { payments } from './payments.server.ts';
import { subscriptions } from './subscriptions.server.ts';

/** The version that our types are of. Webhook endpoints must be made with it as well. */
export const API_VERSION = '2026-10-28.endive';

export interface StripeConfig {
	secretKey: string;
	/** Origin without a path; Stripe's own by default. */
	baseUrl?: string;
	/** Of one attempt; 20 seconds by default. */
	timeoutMs?: number;
	/** How often a read is tried again; twice by default. */
	readRetries?: number;
}

const TIMEOUT_MS = 20_000;

/**
 * Stripe's API for what we sell. Every method throws `StripeVendorError`. Reads are tried again by the SDK; a change
 * carries an Idempotency-Key of the caller's, so that sending it again after a lost answer does it once.
 */
export function stripe(config: StripeConfig, record: CallRecorder) {
	const sdk = connect(config);
	const call = caller(record);
	return {
		...catalogue(sdk, call),
		...customers(sdk, call),
		...subscriptions(sdk, call),
		...changes(sdk, call),
		...payments(sdk, call),
		...coupons(sdk, call),
		...lists(sdk, call)
	};
}

export type StripeClient = ReturnType<typeof stripe>;

/** Checks signatures and never calls anybody. */
const verifier = new Stripe('sk_test_unused');

/**
 * The event of a webhook, checked on the raw bytes: signed with the endpoint's secret, at most 300 seconds ago.
 * @throws {BadSignature}
 */
export function verifyWebhook(rawBody: Buffer, signature: string, secret: string): Stripe.Event {
	try {
		return verifier.webhooks.constructEvent(rawBody, signature, secret, 300);
	} catch (error) {
		throw new BadSignature(error instanceof Error ? error.message : String(error), {
			cause: error
		});
	}
}

let last: { config: string; sdk: Stripe } | null = null;

/** One SDK for one configuration, so that its connections are used again. */
function connect(config: StripeConfig): Stripe {
	const wanted = JSON.stringify(config);
	if (last?.config !== wanted) last = { config: wanted, sdk: open(config) };
	return last.sdk;
}

function open(config: StripeConfig): Stripe {
	const url = new URL(config.baseUrl ?? 'https://api.stripe.com');
	return new Stripe(config.secretKey, {
		apiVersion: API_VERSION,
		protocol: url.protocol === 'http:' ? 'http' : 'https',
		host: url.hostname,
		...(url.port !== '' && { port: url.port }),
		timeout: config.timeoutMs ?? TIMEOUT_MS,
		maxNetworkRetries: config.readRetries ?? 2,
		httpClient: patientHttp(),
		telemetry: false
	});
}
