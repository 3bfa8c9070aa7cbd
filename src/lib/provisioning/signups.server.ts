import { after, MINUTE, now } from '#lib/core/clock.server.ts';
import { sign } from '#lib/core/crypto.server.ts';
import { db, transaction, type Tx } from '#lib/core/db.server.ts';
import { env } from '#lib/core/env.server.ts';
import { AppError } from '#lib/core/errors.ts';
import type { CheckoutSession, Signup } from '#prisma/generated/client.ts';
import { createCheckoutSession, expireCheckoutSession } from '../billing/checkout.server.ts';
import { VendorError } from '../integrations/errors.ts';
import { setting } from '../settings/settings.server.ts';
import { ensureStripePrice, inCurrency, planOnSale } from '../plans/plans.server.ts';
import { canHost } from './onOffer.server.ts';
import { releaseName, reserveName } from './reservations.server.ts';
import type { SignupInput } from './schema.ts';

/** Stripe allows no less than 30 minutes; one more covers the way there. */
const SESSION_LASTS = 31 * MINUTE;
/** A session that ends sooner than this is not offered any more: nobody types a card in less. */
const SESSION_USABLE = 2 * MINUTE;

export interface Visitor {
	ip: string | null;
	locale: 'es' | 'en';
	/** From the signed cookie: a visitor who comes back goes on with the same signup. */
	signupId: string | null;
}

export interface OpenedSignup {
	signupId: string;
	/** Stripe's page, or our /success when it was paid already. */
	url: string;
}

/**
 * Keeps what the visitor typed, holds the name, and opens Checkout.
 * @throws {AppError} PLAN_NOT_FOUND, PLAN_NOT_PURCHASABLE, NAME_TAKEN, NAME_RESERVED, TOO_MANY_RESERVATIONS,
 * PAYMENT_UNAVAILABLE (everything is kept; sending the form again goes on)
 */
export async function openSignup(input: SignupInput, visitor: Visitor): Promise<OpenedSignup> {
	const before = (await openedBefore(visitor.signupId)) ?? (await begunBefore(input, visitor));
	if (before && (before.slug !== input.subdomain || before.plan.key !== input.plan)) {
		// What the open session would charge is no longer what the visitor wants.
		if ((await closeOpenSession(before.id)) === 'complete')
			return { signupId: before.id, url: successUrl(before.id) };
	}
	const signup = await keep(input, visitor, before?.id ?? null);
	return continueSignup(signup.id);
}

/**
 * The way to pay for a signup: the open session when it lasts, else a new one. At most one is ever open.
 * @throws {AppError} NOT_FOUND, LINK_EXPIRED when it can no longer be paid, PAYMENT_UNAVAILABLE
 */
export async function continueSignup(signupId: string): Promise<OpenedSignup> {
	const signup = await db.signup.findUnique({ where: { id: signupId } });
	if (!signup) throw new AppError('NOT_FOUND');
	if (hasRunOut(signup)) throw new AppError('LINK_EXPIRED');
	if (signup.status !== 'open') {
		if (signup.status === 'expired') throw new AppError('LINK_EXPIRED');
		return { signupId, url: successUrl(signupId) };
	}
	const open = await db.checkoutSession.findFirst({ where: { signupId, status: 'open' } });
	if (open?.url && open.expiresAt > after(now(), SESSION_USABLE))
		return { signupId, url: open.url };
	if (open?.stripeSessionId && (await closeOpenSession(signupId)) === 'complete') {
		return { signupId, url: successUrl(signupId) };
	}
	return { signupId, url: await openSession(signup) };
}

/**
 * Ends the session that a signup has open and reads back what became of it: somebody may have paid in this moment.
 * @returns null when none was open
 */
export async function closeOpenSession(signupId: string): Promise<'expired' | 'complete' | null> {
	const open = await db.checkoutSession.findFirst({ where: { signupId, status: 'open' } });
	if (!open) return null;
	if (!open.stripeSessionId) {
		// The answer to its creation was lost: the same key brings it back, so that it can be ended.
		const signup = await db.signup.findUniqueOrThrow({ where: { id: signupId } });
		try {
			await create(signup, open);
		} catch (error) {
			if (!isRefused(error)) throw error;
			// It never reached Stripe, and by now its end is too near to be taken.
			await db.checkoutSession.update({ where: { id: open.id }, data: { status: 'expired' } });
			return 'expired';
		}
		return closeOpenSession(signupId);
	}
	const { status } = await payment(() => expireCheckoutSession(open.stripeSessionId!));
	await db.checkoutSession.update({ where: { id: open.id }, data: { status } });
	return status === 'complete' ? 'complete' : 'expired';
}

/** The name of a signup that was never paid is free again. Called once Stripe says that its session has ended. */
export async function expireSignup(tx: Tx, signup: Signup): Promise<void> {
	// A link that staff sent stays good until its days are over: its tenant waits for the payment.
	if (signup.tenantId) return;
	await tx.signup.update({ where: { id: signup.id }, data: { status: 'expired' } });
	await releaseName(tx, signup.id);
}

/** Of a link that staff sent: whether its days are over. */
export function hasRunOut({ status, payBy }: Pick<Signup, 'status' | 'payBy'>): boolean {
	return status === 'open' && payBy !== null && payBy <= now();
}

/** A link that opens Checkout whenever it is followed, until `payBy`. */
export function paymentLink(signupId: string): string {
	return `${env.ORIGIN}/signup/continue?s=${encodeURIComponent(sign(signupId, 'payment-link'))}`;
}

function successUrl(signupId: string): string {
	return `${env.ORIGIN}/success?signup=${signupId}`;
}

async function openedBefore(signupId: string | null) {
	if (!signupId) return null;
	return db.signup.findFirst({
		where: { id: signupId, status: 'open', tenantId: null },
		include: { plan: { select: { key: true } } }
	});
}

/**
 * The same visitor's signup that got no further than the form: the answer that would have brought the cookie was lost, or
 * Stripe did not answer. Without it his own attempt would hold the name against him.
 */
async function begunBefore(input: SignupInput, visitor: Visitor) {
	return db.signup.findFirst({
		where: {
			...{ status: 'open', tenantId: null, slug: input.subdomain },
			...{ email: input.email, ip: visitor.ip }
		},
		include: { plan: { select: { key: true } } }
	});
}

async function keep(
	input: SignupInput,
	visitor: Visitor,
	signupId: string | null
): Promise<Signup> {
	return transaction(async (tx) => {
		const plan = await planOnSale(tx, input.plan);
		if (!plan.purchasable || !(await canHost(tx, plan))) throw new AppError('PLAN_NOT_PURCHASABLE');
		const typed = {
			planId: plan.id,
			companyName: input.company_name,
			fullName: input.full_name,
			email: input.email,
			country: input.country,
			locale: visitor.locale,
			slug: input.subdomain,
			ip: visitor.ip
		};
		const signup = signupId
			? await tx.signup.update({ where: { id: signupId }, data: typed })
			: await tx.signup.create({ data: typed });
		const held = await tx.nameReservation.findUnique({
			where: { signupId: signup.id },
			select: { slug: true }
		});
		if (held && held.slug !== signup.slug) await releaseName(tx, signup.id);
		await reserveName(tx, signup.slug, { signup });
		return signup;
	});
}

/** The intent is a row before Stripe hears of it, so that a lost answer is found again by its key. */
async function openSession(signup: Signup): Promise<string> {
	const waiting = await db.checkoutSession.findFirst({
		where: { signupId: signup.id, status: 'open' }
	});
	if (waiting) {
		try {
			return await create(signup, waiting);
		} catch (error) {
			if (!isRefused(error)) throw error;
			// It never reached Stripe, and its end is too near by now: the next attempt has an end of its own.
			await db.checkoutSession.update({ where: { id: waiting.id }, data: { status: 'expired' } });
		}
	}
	const row = await transaction(async (tx) => {
		// Who closes it at this moment either sees the session that is made here, or is seen.
		await tx.$queryRaw`SELECT id FROM signups WHERE id = ${signup.id}::uuid FOR UPDATE`;
		const fresh = await tx.signup.findUniqueOrThrow({ where: { id: signup.id } });
		if (fresh.status !== 'open' || hasRunOut(fresh)) throw new AppError('LINK_EXPIRED');
		const attempt = 1 + (await tx.checkoutSession.count({ where: { signupId: signup.id } }));
		return tx.checkoutSession.create({
			data: { signupId: signup.id, attempt, expiresAt: after(now(), SESSION_LASTS) }
		});
	});
	return create(signup, row);
}

async function create(signup: Signup, row: CheckoutSession): Promise<string> {
	const { planId, interval } = signup;
	const prices = await db.planPrice.findMany({
		where: { planId, interval },
		orderBy: { currency: 'asc' },
		include: { plan: { select: { trialDays: true } } }
	});
	const price = inCurrency(prices, await setting('billing.currency'));
	if (!price) throw new AppError('PLAN_NOT_FOUND');
	const automaticTax = await setting('billing.automatic_tax');
	const session = await payment(async () =>
		createCheckoutSession({
			signupId: signup.id,
			attempt: row.attempt,
			email: signup.email,
			priceId: await ensureStripePrice(price.id),
			locale: signup.locale === 'en' ? 'en' : 'es',
			successUrl: `${successUrl(signup.id)}&session_id={CHECKOUT_SESSION_ID}`,
			cancelUrl: `${env.ORIGIN}/signup?cancelled=1`,
			expiresAt: row.expiresAt,
			trialDays: price.plan.trialDays,
			automaticTax,
			metadata: { signup_id: signup.id, slug: signup.slug }
		})
	);
	await db.checkoutSession.update({
		where: { id: row.id },
		data: { stripeSessionId: session.id, url: session.url }
	});
	return session.url;
}

/** Stripe heard of it and said no: asking the same again would not help. */
function isRefused(error: unknown): boolean {
	return (
		error instanceof AppError && error.cause instanceof VendorError && error.cause.status === 400
	);
}

async function payment<T>(call: () => Promise<T>): Promise<T> {
	try {
		return await call();
	} catch (error) {
		if (error instanceof VendorError)
			throw new AppError('PAYMENT_UNAVAILABLE', { cause: error, detail: error.message });
		throw error;
	}
}
