import type Stripe from 'stripe';
import { isMissing, StripeVendorError } from '#lib/integrations/stripe/errors.ts';
import { stripeClient } from '#lib/settings/clients.server.ts';

export interface CheckoutInput {
	signupId: string;
	/** Counts the sessions of one signup from 1; with the id it is the Idempotency-Key. */
	attempt: number;
	email: string;
	/** A customer that Stripe knows already, in place of the email. */
	stripeCustomerId?: string | null;
	/** Stripe's price. */
	priceId: string;
	locale: 'es' | 'en';
	/** May hold `{CHECKOUT_SESSION_ID}`. */
	successUrl: string;
	cancelUrl: string;
	/** 30 minutes to 24 hours ahead. The same at every try of one attempt, or Stripe refuses the key. */
	expiresAt: Date;
	/** Days before the first charge; a card is asked for all the same. */
	trialDays?: number;
	/** Stripe computes taxes, and asks companies for their tax id. */
	automaticTax?: boolean;
	/** Kept with the session and with the subscription that it makes. */
	metadata: Record<string, string>;
}

/** A Checkout session in our words. */
export interface Checkout {
	id: string;
	/** Stripe's word: open, complete, expired. */
	status: string;
	/** Stripe's word: paid, unpaid, no_payment_required. */
	paymentStatus: string;
	/** The hosted page while it is open. */
	url: string | null;
	subscriptionId: string | null;
	customerId: string | null;
	/** What we sent along. */
	signupId: string | null;
	expiresAt: Date;
}

/**
 * Opens Stripe's payment page. Sending the same attempt again gives the same session.
 * @throws {StripeVendorError}
 */
export async function createCheckoutSession(
	input: CheckoutInput
): Promise<{ id: string; url: string }> {
	const client = await stripeClient({ subjectId: input.signupId });
	const metadata = { ...input.metadata, signup_id: input.signupId };
	const session = await client.checkout.create(
		{
			mode: 'subscription',
			line_items: [{ price: input.priceId, quantity: 1 }],
			...(input.stripeCustomerId
				? { customer: input.stripeCustomerId }
				: { customer_email: input.email }),
			client_reference_id: input.signupId,
			success_url: input.successUrl,
			cancel_url: input.cancelUrl,
			expires_at: Math.floor(input.expiresAt.getTime() / 1000),
			locale: input.locale,
			// Codes of our coupons are typed on Stripe's page.
			allow_promotion_codes: true,
			metadata,
			...(input.automaticTax && {
				automatic_tax: { enabled: true },
				tax_id_collection: { enabled: true },
				...(input.stripeCustomerId && { customer_update: { address: 'auto', name: 'auto' } })
			}),
			// The session's own are not copied to the subscription.
			subscription_data: {
				metadata,
				...(input.trialDays && { trial_period_days: input.trialDays })
			}
		},
		`checkout:${input.signupId}:${input.attempt}`
	);
	const url = session.url ?? (await client.checkout.retrieve(session.id)).url;
	if (url) return { id: session.id, url };
	throw new StripeVendorError({
		operation: 'checkout.sessions.create',
		kind: 'refused',
		message: `session ${session.id} has no page any more`,
		code: 'session_closed'
	});
}

/** What a session is now; null when Stripe has no such session. @throws {StripeVendorError} */
export async function retrieveCheckoutSession(id: string): Promise<Checkout | null> {
	const client = await stripeClient();
	try {
		return describe(await client.checkout.retrieve(id));
	} catch (error) {
		if (isMissing(error)) return null;
		throw error;
	}
}

/**
 * Ends an open session and reads back what became of it: `complete` when somebody paid in that moment.
 * @throws {StripeVendorError} when it is still open, too
 */
export async function expireCheckoutSession(id: string): Promise<Checkout> {
	const client = await stripeClient();
	const before = await client.checkout.retrieve(id);
	if (before.status !== 'open') return describe(before);
	let refusal: unknown = null;
	try {
		await client.checkout.expire(id);
	} catch (error) {
		if (!(error instanceof StripeVendorError)) throw error;
		// Paid meanwhile, or the answer was lost: what it is now decides.
		refusal = error;
	}
	const after = describe(await client.checkout.retrieve(id));
	if (after.status !== 'open') return after;
	throw (
		refusal ??
		new StripeVendorError({
			operation: 'checkout.sessions.expire',
			kind: 'vendor',
			message: `session ${id} is still open`,
			retryable: true
		})
	);
}

function describe(session: Stripe.Checkout.Session): Checkout {
	return {
		id: session.id,
		status: session.status ?? 'open',
		paymentStatus: session.payment_status,
		url: session.url,
		subscriptionId: idOf(session.subscription),
		customerId: idOf(session.customer),
		signupId: session.metadata?.signup_id ?? session.client_reference_id,
		expiresAt: new Date(session.expires_at * 1000)
	};
}

/** The id of what Stripe gives as an id or, expanded, as an object. */
export function idOf(reference: string | { id: string } | null | undefined): string | null {
	if (!reference) return null;
	return typeof reference === 'string' ? reference : reference.id;
}
