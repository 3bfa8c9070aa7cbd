import { expect, it } from 'vitest';
import { testDatabase } from '../../../tests/setup/database.ts';
import { testStripe } from '../../../tests/setup/stripe.ts';
import { aPlan } from '../../../tests/factories/plans.ts';
import { db } from '#lib/core/db.server.ts';
import { stripeClient } from '#lib/settings/clients.server.ts';
import {
	ensureStripePrice,
	lookupKey,
	planOnSale,
	plansOnSale,
	syncStripe
} from './plans.server.ts';

await testDatabase();
const stripe = await testStripe();

const storedPrice = (id: string) =>
	db.planPrice.findUniqueOrThrow({ where: { id }, include: { plan: true } });

it('shows what is on sale in order, with prices; what was replaced is gone', async () => {
	expect((await plansOnSale(db)).map(({ key, prices }) => [key, prices[0]?.amount])).toEqual([
		['basic', 2900],
		['pro', 4900],
		['enterprise', 9900]
	]);
	const plan = await aPlan();
	await db.plan.update({ where: { id: plan.id }, data: { replacedAt: new Date() } });
	await expect(planOnSale(db, plan.key)).rejects.toMatchObject({ code: 'PLAN_NOT_FOUND' });
	expect((await planOnSale(db, 'enterprise')).purchasable).toBe(true);
});

it('makes a price once, under its lookup key, and stores what Stripe calls it', async () => {
	const plan = await aPlan({ amount: 2_900 });
	const id = plan.prices[0]!.id;
	const [one, two] = await Promise.all([
		ensureStripePrice(id),
		// Stripe answers 409 while the same key is being worked on.
		ensureStripePrice(id).catch(() => ensureStripePrice(id))
	]);
	expect(one).toBe(two);
	const stored = await storedPrice(id);
	expect(stored.stripePriceId).toBe(one);
	const client = await stripeClient();
	const atStripe = await client.prices.byLookupKey(lookupKey(plan, stored));
	expect(atStripe).toMatchObject({
		id: one,
		unit_amount: 2_900,
		product: stored.plan.stripeProductId
	});
	stripe.forget();
	expect(await ensureStripePrice(id)).toBe(one);
	expect(stripe.calls()).toEqual([]);
});

it('finds the price again when we have forgotten it', async () => {
	const plan = await aPlan();
	const id = plan.prices[0]!.id;
	const made = await ensureStripePrice(id);
	await db.planPrice.update({ where: { id }, data: { stripePriceId: null } });
	expect(await ensureStripePrice(id)).toBe(made);
});

it('sells a new version of a plan at a price of its own', async () => {
	const plan = await aPlan({ amount: 1_000 });
	await ensureStripePrice(plan.prices[0]!.id);
	await db.plan.update({ where: { id: plan.id }, data: { replacedAt: new Date() } });
	const {
		id: _,
		createdAt: __,
		prices: ___,
		stripeProductId: ____,
		...facts
	} = {
		...plan,
		stripeDifferences: []
	};
	const next = await db.plan.create({
		data: {
			...facts,
			version: 2,
			prices: { create: { interval: 'month', currency: 'usd', amount: 1_200 } }
		},
		include: { prices: true }
	});
	const made = await ensureStripePrice(next.prices[0]!.id);
	expect(made).not.toBe((await storedPrice(plan.prices[0]!.id)).stripePriceId);
});

it.each([
	['500 before', { kind: 'status', status: 500 }],
	['reset after', { kind: 'reset', when: 'after', times: 2 }],
	['nonsense after', { kind: 'malformed', when: 'after' }]
] as const)('makes one price although Stripe fails once (%s)', async (_, fault) => {
	const plan = await aPlan();
	const id = plan.prices[0]!.id;
	stripe.fault({ match: 'POST /v1/prices', ...fault });
	await expect(ensureStripePrice(id)).rejects.toMatchObject({ vendor: 'stripe' });
	const made = await ensureStripePrice(id);
	const client = await stripeClient();
	expect((await client.prices.byLookupKey(lookupKey(plan, plan.prices[0]!)))?.id).toBe(made);
	const all = stripe.server.account.all('prices').filter((row) => row.metadata.plan === plan.key);
	expect(all).toHaveLength(1);
});

it('brings everything that can be bought to Stripe, also after the account was emptied', async () => {
	await syncStripe();
	const basic = await planOnSale(db, 'basic');
	const first = await storedPrice(basic.prices[0]!.id);
	stripe.server.account.remove('prices', first.stripePriceId!);
	await syncStripe();
	const client = await stripeClient();
	const atStripe = await client.prices.byLookupKey(lookupKey(basic, basic.prices[0]!));
	expect(atStripe?.id).toBe((await storedPrice(basic.prices[0]!.id)).stripePriceId);
	const unsold = await aPlan({ purchasable: false });
	await syncStripe();
	expect((await storedPrice(unsold.prices[0]!.id)).stripePriceId).toBeNull();
});
