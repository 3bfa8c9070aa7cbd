import { randomBytes, randomUUID } from 'node:crypto';
import { after, MINUTE, now } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { createCheckoutSession, retrieveCheckoutSession } from '#lib/billing/checkout.server.ts';
import { refundSignup } from '#lib/billing/refunds.server.ts';
import { retrieveSubscription, upsertFromStripe } from '#lib/billing/subscriptions.server.ts';
import { findOrCreateForSignup } from '#lib/customers/customers.server.ts';
import { ensureStripePrice } from '#lib/plans/plans.server.ts';
import type {
	Customer,
	Invoice,
	RefundOrder,
	Signup,
	StripeEvent,
	Subscription,
	SubscriptionChange
} from '#prisma/generated/client.ts';
import type { TestStripe } from '../setup/stripe.ts';
import { aCustomer } from './customers.ts';
import { aPlan } from './plans.ts';

/** A subscription that is only ours: nothing at Stripe stands behind it. */
export async function aSubscription(
	facts: Partial<Omit<Subscription, 'id' | 'createdAt' | 'updatedAt'>> = {}
): Promise<Subscription> {
	const customerId = facts.customerId ?? (await aCustomer()).id;
	const planId = facts.planId ?? (await aPlan()).id;
	return db.subscription.create({
		data: {
			billingMode: 'invoice',
			status: 'active',
			currency: 'usd',
			amount: 4_900,
			interval: 'month',
			...facts,
			customerId,
			planId
		}
	});
}

/** A change of plan that somebody was shown and did not order. */
export async function aChange(): Promise<SubscriptionChange> {
	const { id, customerId, planId, amount } = await aSubscription();
	return db.subscriptionChange.create({
		data: {
			customerId,
			subscriptionId: id,
			kind: 'upgrade',
			fromPlanId: planId,
			toPlanId: (await aPlan({ amount: 9_900 })).id,
			toInterval: 'month',
			currency: 'usd',
			amountDue: 5_000,
			lines: {
				lines: [],
				subtotal: 5_000,
				tax: 0,
				total: 5_000,
				balance: 0,
				recurring: 9_900,
				before: { amount, interval: 'month', quantity: 1 }
			},
			byLabel: 'ana@example.com'
		}
	});
}

/** What a visitor typed. */
export async function aSignup(facts: Partial<Signup> = {}): Promise<Signup> {
	const planId = facts.planId ?? (await aPlan()).id;
	const slug = facts.slug ?? `s${randomBytes(5).toString('hex')}`;
	return db.signup.create({
		data: {
			id: randomUUID(),
			companyName: `Comercial ${slug}`,
			fullName: 'Ana Vera',
			email: `${slug}@example.com`,
			country: 'EC',
			...facts,
			slug,
			planId
		}
	});
}

export interface PaidSignup {
	signup: Signup;
	stripeSessionId: string;
	stripeSubscriptionId: string;
	stripeCustomerId: string;
}

/**
 * Opens Checkout for a signup as the product does and pays at the stand-in. Nothing of ours knows of it yet.
 * @param options.card digits of a test card, `bank` for a payment whose outcome comes later
 * @param options.promotion the code of a coupon, typed on Stripe's page
 */
export async function payFor(
	stripe: TestStripe,
	signup: Signup,
	options: { card?: string; attempt?: number; promotion?: string } = {}
): Promise<PaidSignup> {
	const price = await db.planPrice.findFirstOrThrow({
		where: { planId: signup.planId },
		include: { plan: { select: { trialDays: true } } }
	});
	const session = await createCheckoutSession({
		signupId: signup.id,
		attempt: options.attempt ?? 1,
		email: signup.email,
		priceId: await ensureStripePrice(price.id),
		locale: 'es',
		successUrl: 'http://localhost:4443/success?session_id={CHECKOUT_SESSION_ID}',
		cancelUrl: 'http://localhost:4443/signup',
		expiresAt: after(now(), 31 * MINUTE),
		trialDays: price.plan.trialDays,
		metadata: { slug: signup.slug }
	});
	const card = options.card ?? '4242424242424242';
	if (options.promotion === undefined)
		await stripe.control(`/checkout/${session.id}/pay`, { card });
	else {
		// What a buyer types on Stripe's page.
		const typed = { promotion: options.promotion, cardNumber: card, method: 'card' };
		const body = new URLSearchParams({ ...typed, cardExpiry: '12 / 40', cardCvc: '123' });
		await fetch(session.url, { method: 'POST', body, redirect: 'manual' });
	}
	const checkout = await retrieveCheckoutSession(session.id);
	if (!checkout?.subscriptionId || !checkout.customerId) throw new Error('it was not paid');
	return {
		signup,
		stripeSessionId: session.id,
		stripeSubscriptionId: checkout.subscriptionId,
		stripeCustomerId: checkout.customerId
	};
}

/** Takes over what was paid for, as happens when the event of its Checkout session comes. */
export async function adopt(
	paid: PaidSignup
): Promise<{ customer: Customer; subscription: Subscription }> {
	const atStripe = await retrieveSubscription(paid.stripeSubscriptionId);
	if (!atStripe) throw new Error('Stripe does not know the subscription');
	return transaction(async (tx) => {
		const signup = await tx.signup.findUniqueOrThrow({ where: { id: paid.signup.id } });
		const customer = await findOrCreateForSignup(tx, {
			signup,
			stripeCustomerId: paid.stripeCustomerId
		});
		await tx.signup.update({ where: { id: signup.id }, data: { customerId: customer.id } });
		const subscription = await upsertFromStripe(tx, atStripe, {
			customerId: customer.id,
			planId: signup.planId
		});
		return { customer, subscription };
	});
}

/** Orders that a signup gets its money back. */
export async function orderRefund(
	signupId: string,
	subscription: Pick<Subscription, 'id' | 'customerId'>
): Promise<void> {
	const { id: subscriptionId, customerId } = subscription;
	await transaction((tx) =>
		refundSignup(tx, { signupId, customerId, subscriptionId, reason: 'no capacity' })
	);
}

/** A signup that was paid for and whose refund is ordered. @param options.amount US cents */
export async function orderedRefund(
	stripe: TestStripe,
	options: { card?: string; amount?: number } = {}
) {
	const signup = await aSignup({ planId: (await aPlan({ amount: options.amount })).id });
	const paid = await payFor(stripe, signup, { card: options.card });
	const { customer, subscription } = await adopt(paid);
	await orderRefund(signup.id, subscription);
	const { id: orderId } = await db.refundOrder.findUniqueOrThrow({
		where: { stripeSubscriptionId: paid.stripeSubscriptionId }
	});
	return { signup, paid, customer, subscription, orderId };
}

/** A refund order that is only ours: nothing at Stripe stands behind it. */
export async function aRefundOrder(facts: Partial<RefundOrder> = {}): Promise<RefundOrder> {
	const customerId = facts.customerId ?? (await aCustomer()).id;
	const signupId = facts.signupId ?? (await aSignup({ customerId })).id;
	return db.refundOrder.create({
		data: {
			...{ purpose: 'signup', reason: 'no capacity', status: 'failed' },
			stripeSubscriptionId: `sub_${randomBytes(8).toString('hex')}`,
			...facts,
			customerId,
			signupId
		}
	});
}

/** An invoice that Stripe would have a document for. */
export async function anInvoice(facts: Partial<Invoice> = {}): Promise<Invoice> {
	const customerId = facts.customerId ?? (await aCustomer()).id;
	return db.invoice.create({
		data: {
			stripeInvoiceId: `in_${randomBytes(8).toString('hex')}`,
			number: `INV-${randomBytes(3).toString('hex')}`,
			status: 'paid',
			currency: 'usd',
			subtotal: 4_900,
			total: 4_900,
			amountPaid: 4_900,
			...facts,
			customerId
		}
	});
}

/** An event of Stripe that is about nothing we know. */
export async function aStripeEvent(facts: Partial<StripeEvent> = {}): Promise<StripeEvent> {
	const eventId = facts.eventId ?? `evt_${randomBytes(8).toString('hex')}`;
	const eventType = facts.eventType ?? 'invoice.paid';
	const object = { object: 'invoice', id: `in_${randomBytes(6).toString('hex')}` };
	return db.stripeEvent.create({
		data: {
			createdAt: now(),
			...facts,
			eventId,
			eventType,
			payload: facts.payload ?? {
				...{ id: eventId, object: 'event', type: eventType },
				...{ created: Math.floor(now().getTime() / 1_000), data: { object } }
			}
		}
	});
}
