import type Stripe from 'stripe';
import { db } from '#lib/core/db.server.ts';
import { idOf } from './checkout.server.ts';

/** Whose an object of Stripe's is. */
export interface Owner {
	customerId: string;
	/** Our row; null for a payment that never became a subscription of ours. */
	subscriptionId: string | null;
}

/**
 * Whose an invoice is: the customer of its subscription; for a second payment that is given back, the customer of its
 * signup. @returns null when we know neither (yet)
 */
export async function ownerOfInvoice(invoice: Stripe.Invoice): Promise<Owner | null> {
	const stripeSubscriptionId = subscriptionOf(invoice);
	if (stripeSubscriptionId) return ownerOfSubscription(stripeSubscriptionId);
	const stripeCustomerId = idOf(invoice.customer);
	const customer = stripeCustomerId
		? await db.customer.findUnique({ where: { stripeCustomerId }, select: { id: true } })
		: null;
	return customer && { customerId: customer.id, subscriptionId: null };
}

export async function ownerOfSubscription(stripeSubscriptionId: string): Promise<Owner | null> {
	const row = await db.subscription.findUnique({
		where: { stripeSubscriptionId },
		select: { id: true, customerId: true }
	});
	if (row) return { customerId: row.customerId, subscriptionId: row.id };
	const order = await db.refundOrder.findUnique({
		where: { stripeSubscriptionId },
		select: { customerId: true }
	});
	return order && { customerId: order.customerId, subscriptionId: null };
}

/** Stripe's id of the subscription that an invoice is for. */
export function subscriptionOf(invoice: Stripe.Invoice): string | null {
	return idOf(invoice.parent?.subscription_details?.subscription);
}
