import type Stripe from 'stripe';
import { db, lock, transaction, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { log } from '#lib/core/log.server.ts';
import { isMissing, StripeVendorError } from '#lib/integrations/stripe/errors.ts';
import type { StripeClient } from '#lib/integrations/stripe/stripe.server.ts';
import { stripeClient } from '#lib/settings/clients.server.ts';
import type { Plan, PlanPrice } from '#prisma/generated/client.ts';

export type PlanWithPrices = Plan & { prices: PlanPrice[] };

/** The versions that are shown now, in their order; those that cannot be bought included. */
export function plansOnSale(tx: Tx): Promise<PlanWithPrices[]> {
	return tx.plan.findMany({
		where: { replacedAt: null, published: true },
		include: { prices: { orderBy: [{ interval: 'asc' }, { currency: 'asc' }] } },
		orderBy: { position: 'asc' }
	});
}

/**
 * The version of a plan that is sold now. Whether it can be bought is `purchasable`.
 * @throws {AppError} PLAN_NOT_FOUND
 */
export async function planOnSale(tx: Tx, key: string): Promise<PlanWithPrices> {
	const plan = await tx.plan.findFirst({
		where: { key, replacedAt: null, published: true },
		include: { prices: true }
	});
	if (!plan) throw new AppError('PLAN_NOT_FOUND', { params: { key } });
	return plan;
}

/** The price that visitors see and pay: in the currency of the setting, else in the first that the plan has. */
export function inCurrency<P extends { currency: string }>(
	prices: readonly P[],
	currency: string
): P | undefined {
	return prices.find((price) => price.currency === currency) ?? prices[0];
}

/** Under which a price of ours is found at Stripe. A new version of a plan has a price of its own. */
export function lookupKey(plan: Pick<Plan, 'key' | 'version'>, price: PlanPrice): string {
	return `plan:${plan.key}:v${plan.version}:${price.interval}:${price.currency}`;
}

type PriceWithPlan = PlanPrice & { plan: Plan };

/**
 * The Stripe price of one of ours; made at Stripe, read back and stored when it does not exist.
 * @param options.verify look at Stripe even when we know an id: the account may have been changed or emptied
 * @returns Stripe's id, `price_…`
 * @throws {StripeVendorError}
 */
export async function ensureStripePrice(
	planPriceId: string,
	options: { verify?: boolean } = {}
): Promise<string> {
	const price = await db.planPrice.findUniqueOrThrow({
		where: { id: planPriceId },
		include: { plan: true }
	});
	if (price.stripePriceId && !options.verify) return price.stripePriceId;
	const client = await stripeClient({ subjectId: price.planId });
	const found = (await current(client, price)) ?? (await make(client, price));
	const product = typeof found.product === 'string' ? found.product : found.product.id;
	await transaction(async (tx) => {
		await lock(tx, `plans.stripe-price:${price.id}`);
		await tx.planPrice.update({ where: { id: price.id }, data: { stripePriceId: found.id } });
		await tx.plan.update({ where: { id: price.planId }, data: { stripeProductId: product } });
	});
	return found.id;
}

/** Makes sure that everything on sale can be paid for. One price that fails does not keep the others. */
export async function syncStripe(): Promise<void> {
	const prices = await db.planPrice.findMany({
		where: { plan: { replacedAt: null, purchasable: true } },
		select: { id: true }
	});
	let failure: unknown = null;
	for (const { id } of prices) {
		try {
			await ensureStripePrice(id, { verify: true });
		} catch (error) {
			log.warn({ err: error, planPriceId: id }, 'a price could not be brought to Stripe');
			failure ??= error;
		}
	}
	// The queue tries again.
	if (failure) throw failure;
}

/** The active price under our key, if it says what we say. Prices at Stripe never change their amount. */
async function current(client: StripeClient, price: PriceWithPlan): Promise<Stripe.Price | null> {
	const found = await client.prices.byLookupKey(lookupKey(price.plan, price));
	return found && says(found, price) ? found : null;
}

async function make(client: StripeClient, price: PriceWithPlan): Promise<Stripe.Price> {
	const product = await ensureProduct(client, price.plan);
	const params: Stripe.PriceCreateParams = {
		product,
		currency: price.currency,
		unit_amount: price.amount,
		recurring: { interval: price.interval },
		lookup_key: lookupKey(price.plan, price),
		// A price that says something else under our key loses it.
		transfer_lookup_key: true,
		metadata: { plan: price.plan.key, version: String(price.plan.version), plan_price_id: price.id }
	};
	// Under the key of the last one Stripe would only repeat the answer of then, archived since.
	const key = `price:${price.id}:${product}:after:${price.stripePriceId ?? 'none'}`;
	const made = await client.prices.create(params, key);
	const readBack = await client.prices.retrieve(made.id);
	if (says(readBack, price)) return readBack;
	throw new StripeVendorError({
		operation: 'prices.create',
		kind: 'vendor',
		message: `price ${made.id} is not the one that was asked for`,
		retryable: true
	});
}

async function ensureProduct(client: StripeClient, plan: Plan): Promise<string> {
	// Our own id, so that two who make it at the same time make one.
	const id = plan.stripeProductId ?? `erpcore_${plan.key}_v${plan.version}`;
	try {
		return (await client.products.retrieve(id)).id;
	} catch (error) {
		if (!isMissing(error)) throw error;
	}
	try {
		const params = { id, name: plan.name, metadata: { plan: plan.key } };
		return (await client.products.create(params, `product:${plan.id}`)).id;
	} catch (error) {
		if (error instanceof StripeVendorError && error.code === 'resource_already_exists') return id;
		throw error;
	}
}

function says(found: Stripe.Price, price: PlanPrice): boolean {
	return (
		found.active &&
		found.unit_amount === price.amount &&
		found.currency === price.currency &&
		found.recurring?.interval === price.interval &&
		(found.recurring.interval_count ?? 1) === 1
	);
}
