import { db } from '#lib/core/db.server.ts';
import { env } from '#lib/core/env.server.ts';
import { log } from '#lib/core/log.server.ts';
import { enqueue, isQueueOpen } from '#lib/core/queue.server.ts';
import type { Cloudflare } from '#lib/integrations/cloudflare/cloudflare.server.ts';
import type { Gate } from '#lib/integrations/cloudflare/client.server.ts';
import { leftThere, retryAfterMs } from '#lib/integrations/cloudflare/limits.ts';
import { mailClient as mail, type MailClient } from '#lib/integrations/mail/mail.server.ts';
import { stripe, type StripeClient } from '#lib/integrations/stripe/stripe.server.ts';
import type { Allowance, Lane } from '#lib/logs/budget.ts';
import { noteLeft, pauseVendor, takeCall } from '#lib/logs/budget.server.ts';
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

/**
 * Cloudflare with the token in force, within the budget that all processes share.
 * @param trace what the recorded calls are filed under
 * @param lane `sync` where nobody waits: it stops before what is left for people is used
 */
export async function cloudflareClient(
	trace: CallContext = {},
	lane: Lane = 'user'
): Promise<Cloudflare> {
	// Loaded when it is first needed: its SDK is large, and most processes that serve pages never ask it.
	const { cloudflare } = await import('#lib/integrations/cloudflare/cloudflare.server.ts');
	return cloudflare(
		{
			apiToken: await setting('cloudflare.api_token'),
			accountId: await setting('cloudflare.account_id'),
			baseUrl: env.CLOUDFLARE_API_URL,
			timeoutMs: tuning.cloudflareTimeoutMs,
			gate: cloudflareGate(lane)
		},
		recorder(trace)
	);
}

/** What may be asked of Cloudflare in five minutes, as it is set now. */
export async function cloudflareAllowance(): Promise<Allowance> {
	return {
		limit: await setting('cloudflare.calls_per_window'),
		syncShare: (await setting('cloudflare.sync_share')) / 100
	};
}

/** Counts each request, and listens to what Cloudflare says of its own count. */
function cloudflareGate(lane: Lane): Gate {
	/** As we counted at the last request; those of others are only looked into when Cloudflare counts more. */
	let left = 0;
	return {
		before: async () => {
			({ left } = await takeCall('cloudflare', lane, await cloudflareAllowance()));
		},
		after: async ({ status, headers }) => {
			try {
				if (status === 429) return await pause(retryAfterMs(headers));
				const there = leftThere(headers);
				if (there && there.left < left)
					await noteLeft('cloudflare', there, await cloudflareAllowance());
			} catch (error) {
				log.warn({ err: error }, 'what Cloudflare says of its limit could not be noted');
			}
		}
	};
}

/** Nobody asks Cloudflare for so long, and staff are told. */
async function pause(milliseconds: number | null): Promise<void> {
	const isNew = await pauseVendor('cloudflare', milliseconds, 'HTTP 429');
	// A script of the command line has no queue; the alert's own schedule finds the pause.
	if (isNew && isQueueOpen()) {
		await enqueue(db, 'domains.provider-alert', { vendor: 'cloudflare' }, { key: 'cloudflare' });
	}
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
