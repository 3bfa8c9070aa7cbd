import type Stripe from 'stripe';
import { now } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import { publish } from '#lib/core/live.server.ts';
import { isMissing, StripeVendorError } from '#lib/integrations/stripe/errors.ts';
import type { StripeClient } from '#lib/integrations/stripe/stripe.server.ts';
import { stripeClient } from '#lib/settings/clients.server.ts';
import type { PlanPrice } from '#prisma/generated/client.ts';
import type { Difference } from './drift.ts';
import { ensureStripePrice, lookupKey, type PlanWithPrices } from './plans.server.ts';

const LIVE = ['active', 'past_due', 'suspended'] as const;

/** A version at Stripe: what is sold now must be there whole, what somebody pays as far as it is paid. */
interface Mirrored {
	plan: PlanWithPrices;
	/** It can be bought, so that each of its prices must be there. */
	sold: boolean;
}

async function load(planId: string): Promise<Mirrored | null> {
	const plan = await db.plan.findUnique({ where: { id: planId }, include: { prices: true } });
	return plan && { plan, sold: plan.purchasable && plan.replacedAt === null };
}

/** Compares a version with Stripe, changes nothing there, and notes what differs. @throws {StripeVendorError} */
export async function comparePlan(planId: string): Promise<Difference[]> {
	const mirrored = await load(planId);
	if (!mirrored) return [];
	const client = await stripeClient({ subjectId: planId });
	return noting(planId, () => differencesOf(client, mirrored));
}

async function noting(planId: string, look: () => Promise<Difference[]>): Promise<Difference[]> {
	try {
		const differences = await look();
		await note(planId, { stripeDifferences: differences, stripeError: null });
		return differences;
	} catch (error) {
		if (error instanceof StripeVendorError)
			await note(planId, { stripeError: error.message.slice(0, 500) });
		throw error;
	}
}

function note(
	planId: string,
	data: { stripeDifferences?: Difference[]; stripeError: string | null }
): Promise<void> {
	return transaction(async (tx) => {
		await tx.plan.update({ where: { id: planId }, data: { ...data, stripeCheckedAt: now() } });
		await publish(tx, 'staff:plans', planId);
	});
}

async function differencesOf(
	client: StripeClient,
	{ plan, sold }: Mirrored
): Promise<Difference[]> {
	const found: Difference[] = [];
	const prices = plan.prices.filter(({ stripePriceId }) => sold || stripePriceId);
	if (prices.length === 0) return [];
	const about = { priceId: null, interval: null, currency: null, ours: null, theirs: null };
	const product = plan.stripeProductId
		? await orNull(client.products.retrieve(plan.stripeProductId))
		: null;
	if (!product) found.push({ ...about, what: 'product_missing' });
	else {
		if (product.name !== plan.name)
			found.push({ ...about, what: 'product_name', ours: plan.name, theirs: product.name });
		// A product whose versions are all replaced may rest.
		if (!product.active && sold) found.push({ ...about, what: 'product_archived' });
	}
	for (const price of prices) {
		const theirs = price.stripePriceId
			? await orNull(client.prices.retrieve(price.stripePriceId))
			: null;
		found.push(...ofPrice(plan, price, theirs));
	}
	return found;
}

function ofPrice(
	plan: PlanWithPrices,
	price: PlanPrice,
	theirs: Stripe.Price | null
): Difference[] {
	const { interval, currency } = price;
	const about = { priceId: price.id, interval, currency, ours: null, theirs: null };
	if (!theirs) return [{ ...about, what: 'price_missing' }];
	const found: Difference[] = [];
	const compare = (what: Difference['what'], ours: string | null, said: string | null) => {
		if (ours !== said) found.push({ ...about, what, ours, theirs: said });
	};
	if (!theirs.active) found.push({ ...about, what: 'price_archived' });
	compare('price_amount', String(price.amount), numeral(theirs.unit_amount));
	compare('price_currency', currency, theirs.currency);
	const count = theirs.recurring?.interval_count ?? 1;
	const period = theirs.recurring?.interval ?? null;
	compare('price_interval', interval, count === 1 ? period : `${count} ${period}`);
	compare('price_lookup_key', lookupKey(plan, price), theirs.lookup_key);
	const product = typeof theirs.product === 'string' ? theirs.product : theirs.product.id;
	if (product !== plan.stripeProductId) found.push({ ...about, what: 'price_product' });
	return found;
}

function numeral(value: number | null): string | null {
	return value === null ? null : String(value);
}

async function orNull<T extends object>(asked: Promise<T>): Promise<T | null> {
	try {
		const found = await asked;
		return 'deleted' in found && found.deleted === true ? null : found;
	} catch (error) {
		if (isMissing(error)) return null;
		throw error;
	}
}

/** What a price cannot be cured of: amounts and intervals at Stripe never change. */
const INCURABLE = new Set<Difference['what']>([
	'price_missing',
	'price_amount',
	'price_currency',
	'price_interval',
	'price_product'
]);

/**
 * Makes Stripe say what we say of a version, and looks again: names and visibility are changed, a price that is another
 * one is replaced by a new one under its key. May run any number of times.
 * @returns what still differs
 * @throws {StripeVendorError}
 */
export async function repairPlan(planId: string): Promise<Difference[]> {
	const mirrored = await load(planId);
	if (!mirrored) return [];
	const client = await stripeClient({ subjectId: planId });
	return noting(planId, async () => {
		const { plan } = mirrored;
		const before = await differencesOf(client, mirrored);
		const of = (what: Difference['what']) => before.some((one) => one.what === what);
		const moment = now().getTime();
		if (plan.stripeProductId && (of('product_name') || of('product_archived')))
			await client.products.update(
				plan.stripeProductId,
				{ name: plan.name, active: true },
				`product:${planId}:repair:${moment}`
			);
		for (const price of plan.prices) {
			const own = before.filter(({ priceId }) => priceId === price.id);
			if (own.length === 0) continue;
			if (!price.stripePriceId || own.some(({ what }) => INCURABLE.has(what)))
				await ensureStripePrice(price.id, { verify: true });
			else
				await client.prices.update(
					price.stripePriceId,
					{ active: true, lookup_key: lookupKey(plan, price), transfer_lookup_key: true },
					`price:${price.id}:repair:${moment}`
				);
		}
		const again = await load(planId);
		return again ? differencesOf(client, again) : [];
	});
}

/** Asks for a look at everything that is sold, and at every version that somebody pays. */
export async function checkAllPlans(): Promise<void> {
	const plans = await db.plan.findMany({
		where: {
			OR: [
				{ replacedAt: null, purchasable: true },
				{ subscriptions: { some: { status: { in: [...LIVE] } } } }
			]
		},
		select: { id: true }
	});
	for (const { id } of plans)
		await transaction((tx) => enqueue(tx, 'plans.check-stripe', { planId: id }, { key: id }));
}
