import fc from 'fast-check';
import { expect, it } from 'vitest';
import { testDatabase } from '../../../tests/setup/database.ts';
import { aSubscription } from '../../../tests/factories/billing.ts';
import { aCustomer } from '../../../tests/factories/customers.ts';
import { aPlan } from '../../../tests/factories/plans.ts';
import { DAY } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { churnRate, movementsBetween, mrr, mrrAt } from './figures.server.ts';
import { recordMovement } from './movements.server.ts';

await testDatabase();

const START = Date.UTC(2026, 0, 1);
const { id: planId } = await aPlan();
let currencies = 0;

/** A currency of its own for each history, so that histories do not add up. */
const freshCurrency = () => `x${(currencies++).toString(36).padStart(2, '0')}`;

async function subscriptions(currency: string, owners: number[]) {
	const customers = new Map<number, string>();
	for (const owner of new Set(owners)) customers.set(owner, (await aCustomer()).id);
	return Promise.all(
		owners.map((owner) =>
			aSubscription({ customerId: customers.get(owner)!, planId, currency, mrr: 0 })
		)
	);
}

it('explains every MRR by its movements, whatever happened', async () => {
	const step = fc.record({
		which: fc.nat(3),
		mrr: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 50_000 })),
		day: fc.integer({ min: 0, max: 90 })
	});
	await fc.assert(
		fc.asyncProperty(
			fc.array(step, { minLength: 1, maxLength: 15 }),
			fc.array(fc.nat(2), { minLength: 4, maxLength: 4 }),
			fc.tuple(fc.integer({ min: 0, max: 91 }), fc.integer({ min: 0, max: 91 })),
			async (history, owners, [one, two]) => {
				const currency = freshCurrency();
				const rows = await subscriptions(currency, owners);
				// Time does not run backwards.
				for (const { which, mrr: worth, day } of history.toSorted((a, b) => a.day - b.day)) {
					const at = new Date(START + day * DAY);
					await transaction((tx) => recordMovement(tx, rows[which]!, worth, at));
				}
				const [from, to] = [Math.min(one, two), Math.max(one, two)].map(
					(day) => new Date(START + day * DAY)
				) as [Date, Date];
				const moved = await movementsBetween(db, from, to, currency);
				expect(moved.new).toBeGreaterThanOrEqual(0);
				expect(moved.expansion).toBeGreaterThanOrEqual(0);
				expect(moved.reactivation).toBeGreaterThanOrEqual(0);
				expect(moved.contraction).toBeLessThanOrEqual(0);
				expect(moved.churn).toBeLessThanOrEqual(0);
				const sum = Object.values(moved).reduce((total, amount) => total + amount, 0);
				expect(await mrrAt(db, to, currency)).toBe((await mrrAt(db, from, currency)) + sum);

				const now = (await mrr(db)).find((money) => money.currency === currency)?.amount ?? 0;
				expect(await mrrAt(db, new Date(START + 365 * DAY), currency)).toBe(now);
				for (const row of rows) {
					const { _sum } = await db.mrrMovement.aggregate({
						where: { subscriptionId: row.id },
						_sum: { amount: true }
					});
					const { mrr: worth } = await db.subscription.findUniqueOrThrow({ where: { id: row.id } });
					expect(_sum.amount ?? 0).toBe(worth);
				}
			}
		),
		{ numRuns: 40 }
	);
});

it('names what happened', async () => {
	const currency = freshCurrency();
	const [first, second] = await subscriptions(currency, [0, 0]);
	const at = new Date(START);
	const move = (row: typeof first, worth: number) =>
		transaction((tx) => recordMovement(tx, row!, worth, at));
	expect(await move(first, 2_900)).toBe('new');
	expect(await move(first, 2_900)).toBeNull();
	expect(await move(first, 4_900)).toBe('expansion');
	expect(await move(first, 2_900)).toBe('contraction');
	expect(await move(second, 4_900)).toBe('expansion');
	expect(await move(second, 0)).toBe('churn');
	expect(await move(first, 0)).toBe('churn');
	expect(await move(second, 4_900)).toBe('reactivation');
});

it('tells two first subscriptions at the same moment apart', async () => {
	const currency = freshCurrency();
	const rows = await subscriptions(currency, [0, 0]);
	const kinds = await Promise.all(
		rows.map((row) => transaction((tx) => recordMovement(tx, row, 1_000, new Date(START))))
	);
	expect(kinds.toSorted()).toEqual(['expansion', 'new']);
});

it('gives the churn rate of a month, and says when there is none', async () => {
	const currency = freshCurrency();
	const rows = await subscriptions(currency, [0, 1]);
	const day = (count: number) => new Date(START + count * DAY);
	expect(await churnRate(db, day(1), day(31), currency)).toBeNull();
	for (const row of rows) await transaction((tx) => recordMovement(tx, row, 1_000, day(0)));
	await transaction((tx) => recordMovement(tx, rows[0]!, 0, day(10)));
	expect(await churnRate(db, day(1), day(31), currency)).toBe(0.5);
});
