import { z } from 'zod';
import { db } from '#lib/core/db.server.ts';
import { defineJob } from '#lib/core/queue.server.ts';
import type Stripe from 'stripe';
import type { TestStripe } from './stripe.ts';

/** What billing told those above it, in order. */
export interface Told {
	checkout: { stripeSessionId: string; failed: boolean }[];
	subscriptions: string[];
	refunds: { signupId: string; refundId: string | null }[];
}

/**
 * Defines the jobs by which billing tells others, so that its own tests need nobody above it. `onCheckout` is what
 * those above do. Call it before the queue is opened.
 */
export function listenToBilling(
	onCheckout: (stripeSessionId: string) => Promise<void> = async () => {}
): Told {
	const told: Told = { checkout: [], subscriptions: [], refunds: [] };
	defineJob({
		name: 'provisioning.checkout-changed',
		payload: z.object({ stripeSessionId: z.string(), failed: z.boolean() }),
		run: async (payload) => {
			told.checkout.push(payload);
			await onCheckout(payload.stripeSessionId);
		}
	});
	defineJob({
		name: 'provisioning.subscription-changed',
		payload: z.object({ subscriptionId: z.uuid() }),
		run: async ({ subscriptionId }) => void told.subscriptions.push(subscriptionId)
	});
	defineJob({
		name: 'provisioning.refund-changed',
		payload: z.object({ signupId: z.uuid(), refundId: z.uuid().nullable() }),
		run: async (payload) => void told.refunds.push(payload)
	});
	return told;
}

/** Payloads of the jobs of a name that wait in the queue, oldest first. */
export async function waitingJobs<T>(name: string): Promise<T[]> {
	const rows = await db.$queryRaw<{ data: T }[]>`
		SELECT data FROM pgboss.job WHERE name = ${name} AND state = 'created' ORDER BY created_on, id`;
	return rows.map(({ data }) => data);
}

/** Everything that happened at the stand-in, oldest first. */
export function eventsOf(stripe: TestStripe): Stripe.Event[] {
	// The stand-in keeps events in the shape that it sends.
	return Object.values(stripe.server.account.log.events) as unknown as Stripe.Event[];
}

/** An event as Stripe signs and sends it. */
export function signedBody(
	payload: object | string,
	sdk: Stripe,
	secret: string,
	timestamp?: number
): { body: Buffer; signature: string } {
	const text = typeof payload === 'string' ? payload : JSON.stringify(payload);
	return {
		body: Buffer.from(text),
		signature: sdk.webhooks.generateTestHeaderString({
			payload: text,
			secret,
			...(timestamp !== undefined && { timestamp })
		})
	};
}
