import { env } from '#lib/core/env.server.ts';
import { cloudflare, type Cloudflare } from '#lib/integrations/cloudflare/cloudflare.server.ts';
import { mailClient as mail, type MailClient } from '#lib/integrations/mail/mail.server.ts';
import { stripe, type StripeClient } from '#lib/integrations/stripe/stripe.server.ts';
import { recorder, type CallContext } from '#lib/logs/calls.server.ts';
import { watched } from '#lib/logs/vendorStates.server.ts';
import { setting } from './settings.server.ts';

/** Made shorter by tests, so that a fault costs no waiting. */
export const tuning: {
	stripeTimeoutMs?: number;
	stripeReadRetries?: number;
	cloudflareTimeoutMs?: number;
} = {};

/** Stripe with the key in force. @param trace what the recorded calls are filed under */
export async function stripeClient(trace: CallContext = {}): Promise<StripeClient> {
	return stripe(
		{
			secretKey: await setting('stripe.secret_key'),
			baseUrl: env.STRIPE_API_URL,
			timeoutMs: tuning.stripeTimeoutMs,
			readRetries: tuning.stripeReadRetries
		},
		watched('stripe', recorder(trace))
	);
}

/** Cloudflare with the token in force. @param trace what the recorded calls are filed under */
export async function cloudflareClient(trace: CallContext = {}): Promise<Cloudflare> {
	return cloudflare(
		{
			apiToken: await setting('cloudflare.api_token'),
			accountId: await setting('cloudflare.account_id'),
			baseUrl: env.CLOUDFLARE_API_URL,
			timeoutMs: tuning.cloudflareTimeoutMs
		},
		recorder(trace)
	);
}

/** The mail server in force. Close it after use. @param trace what the recorded calls are filed under */
export async function mailClient(trace: CallContext = {}): Promise<MailClient> {
	return mail(
		{
			url: await setting('notifications.smtp_url'),
			from: await setting('notifications.mail_from')
		},
		recorder(trace)
	);
}
