import { after, MINUTE, now } from '#lib/core/clock.server.ts';
import { db, transaction, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { publish } from '#lib/core/live.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import type { CheckoutSession, Plan, Signup, Tenant } from '#prisma/generated/client.ts';
import { retrieveCheckoutSession } from '../billing/checkout.server.ts';
import { refundDuplicatePayment, refundSignup } from '../billing/refunds.server.ts';
import { retrieveSubscription, upsertFromStripe } from '../billing/subscriptions.server.ts';
import { findOrCreateForSignup } from '../customers/customers.server.ts';
import { baseDomainOf } from '../domains/base/baseDomains.server.ts';
import { audit, SYSTEM } from '../logs/audit.server.ts';
import { passToTenant, reserveName } from './reservations.server.ts';
import { expireSignup } from './signups.server.ts';
import { announce } from './tenantState.server.ts';
import { provision } from './tenants.server.ts';

type StripeCheckout = Awaited<ReturnType<typeof retrieveCheckoutSession>>;
type StripeSubscription = Awaited<ReturnType<typeof retrieveSubscription>>;
type SignupWithPlan = Signup & { plan: Plan };

/**
 * What becomes of a signup after something happened to a Checkout session of its. The session is read from Stripe, so
 * that it does not matter which event came, in which order, or how often.
 * @param failed the asynchronous payment failed: the session alone does not tell that from one still on its way
 */
export async function checkoutChanged(
	stripeSessionId: string,
	failed: boolean
): Promise<'applied' | 'unknown_object'> {
	const checkout = await retrieveCheckoutSession(stripeSessionId);
	const row = checkout && (await rowOf(checkout));
	if (!checkout || !row) return 'unknown_object';
	const subscription =
		isPaid(checkout) && checkout.subscriptionId
			? await retrieveSubscription(checkout.subscriptionId)
			: null;
	await transaction(async (tx) => {
		const signup = await lockSignup(tx, row.signupId);
		const hasFailed = failed || (await failedBefore(tx, row.id));
		await tx.checkoutSession.update({
			where: { id: row.id },
			data: {
				stripeSessionId: checkout.id,
				status: checkout.status,
				paymentStatus: hasFailed && !isPaid(checkout) ? FAILED : checkout.paymentStatus,
				stripeSubscriptionId: checkout.subscriptionId,
				stripeCustomerId: checkout.customerId
			}
		});
		if (isPaid(checkout) && subscription) await paid(tx, signup, row, checkout, subscription);
		else if (checkout.status === 'complete') await onItsWay(tx, signup, hasFailed);
		else if (checkout.status === 'expired') await sessionExpired(tx, signup, row);
		await publish(tx, `signup:${signup.id}`, signup.id);
	});
	return 'applied';
}

async function paid(
	tx: Tx,
	signup: SignupWithPlan,
	row: CheckoutSession,
	checkout: StripeCheckout & object,
	subscription: StripeSubscription & object
): Promise<void> {
	const other = await tx.checkoutSession.findFirst({
		where: {
			signupId: signup.id,
			NOT: { id: row.id },
			status: 'complete',
			paymentStatus: { in: ['paid', 'no_payment_required'] }
		},
		select: { id: true }
	});
	if (other) {
		await refundDuplicatePayment(tx, {
			signupId: signup.id,
			stripeSubscriptionId: subscription.id
		});
		return;
	}
	if (signup.paidAt) return;

	const customer = await findOrCreateForSignup(tx, {
		signup,
		stripeCustomerId: checkout.customerId
	});
	await enqueue(
		tx,
		'billing.take-over-customer',
		{ customerId: customer.id },
		{ key: customer.id }
	);
	const owed = await upsertFromStripe(tx, subscription, {
		customerId: customer.id,
		planId: signup.planId
	});
	await tx.signup.update({
		where: { id: signup.id },
		data: { status: 'paid', paidAt: now(), customerId: customer.id }
	});
	await audit(tx, {
		actor: SYSTEM,
		action: 'signups.pay',
		subject: { type: 'signup', id: signup.id },
		customerId: customer.id,
		after: { plan: signup.plan.key, slug: signup.slug }
	});

	const tenant = await tenantFor(tx, signup, { customerId: customer.id, subscriptionId: owed.id });
	if (!tenant) {
		// The name went to somebody else, or the request was closed, between the end of the session and this payment.
		await tx.signup.update({ where: { id: signup.id }, data: { status: 'refunding' } });
		await refundSignup(tx, {
			signupId: signup.id,
			customerId: customer.id,
			subscriptionId: owed.id,
			reason: signup.tenantId ? 'request closed' : 'name taken'
		});
		return;
	}
	await tx.signup.update({ where: { id: signup.id }, data: { tenantId: tenant.id } });
	await provision(tx, tenant, signup.id);
	await announce(tx, tenant);
}

/** The tenant that a payment buys; null when its name or, made by staff, it is gone. */
async function tenantFor(
	tx: Tx,
	signup: SignupWithPlan,
	owner: { customerId: string; subscriptionId: string }
): Promise<Tenant | null> {
	if (signup.tenantId) {
		// Made by staff, who sent the link to pay.
		const { count } = await tx.tenant.updateMany({
			where: { id: signup.tenantId, status: 'requested' },
			data: { subscriptionId: owner.subscriptionId, statusReason: null }
		});
		return count === 0 ? null : tx.tenant.findUniqueOrThrow({ where: { id: signup.tenantId } });
	}
	try {
		await reserveName(tx, signup.slug, {
			signup: { id: signup.id, email: signup.email, ip: null }
		});
	} catch (error) {
		if (
			error instanceof AppError &&
			(error.code === 'NAME_TAKEN' || error.code === 'NAME_RESERVED')
		)
			return null;
		throw error;
	}
	const baseDomain = await baseDomainOf(tx, signup.plan);
	const tenant = await tx.tenant.create({
		data: {
			...owner,
			planId: signup.planId,
			baseDomainId: baseDomain.id,
			slug: signup.slug,
			databaseName: signup.slug,
			isolation: signup.plan.isolation,
			locale: signup.locale,
			country: signup.country
		}
	});
	await passToTenant(tx, signup.id, tenant.id);
	return tenant;
}

/** Ours beside Stripe's words: of a payment that failed the session goes on saying `unpaid`. */
const FAILED = 'failed';

async function failedBefore(tx: Tx, sessionId: string): Promise<boolean> {
	const row = await tx.checkoutSession.findUniqueOrThrow({ where: { id: sessionId } });
	return row.paymentStatus === FAILED;
}

/** Complete but not paid: the name is held until the bank has decided. */
async function onItsWay(tx: Tx, signup: Signup, failed: boolean): Promise<void> {
	if (failed && signup.tenantId && signup.status === 'processing')
		// A link that staff sent can be paid another way.
		await tx.signup.update({ where: { id: signup.id }, data: { status: 'open' } });
	else if (failed && (signup.status === 'open' || signup.status === 'processing'))
		await expireSignup(tx, signup);
	else if (signup.status === 'open')
		await tx.signup.update({ where: { id: signup.id }, data: { status: 'processing' } });
}

/** How far our clock and Stripe's may be apart. */
const CLOCKS_DIFFER = 2 * MINUTE;

/** The name is free again, unless the session was ended before its time: then we did, and another one takes its place. */
async function sessionExpired(tx: Tx, signup: Signup, row: CheckoutSession): Promise<void> {
	if (signup.status !== 'open' || row.expiresAt > after(now(), CLOCKS_DIFFER)) return;
	const open = await tx.checkoutSession.findFirst({
		where: { signupId: signup.id, status: 'open' },
		select: { id: true }
	});
	if (!open) await expireSignup(tx, signup);
}

function isPaid(checkout: StripeCheckout & object): boolean {
	return (
		checkout.status === 'complete' &&
		(checkout.paymentStatus === 'paid' || checkout.paymentStatus === 'no_payment_required')
	);
}

/** By Stripe's id, or by what we sent along when the answer to the session's creation was lost. */
async function rowOf(checkout: StripeCheckout & object): Promise<CheckoutSession | null> {
	const known = await db.checkoutSession.findUnique({ where: { stripeSessionId: checkout.id } });
	if (known || !checkout.signupId) return known;
	return db.checkoutSession.findFirst({
		where: { signupId: checkout.signupId, stripeSessionId: null }
	});
}

async function lockSignup(tx: Tx, id: string): Promise<SignupWithPlan> {
	await tx.$queryRaw`SELECT id FROM signups WHERE id = ${id}::uuid FOR UPDATE`;
	return tx.signup.findUniqueOrThrow({ where: { id }, include: { plan: true } });
}
