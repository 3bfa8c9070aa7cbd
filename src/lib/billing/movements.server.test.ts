import fc from 'fast-check';
import { expect, it } from 'vitest';
import { testDatabase } from '../../../tests/setup/database.ts';
import { aSubscription } from '../../../tests/factories/billing.ts';
import { aCustomer } from '../../../tests/factories/customers.ts';
import { aPlan } from '../../../tests/factories/plans.ts';
import { DAY } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { mrr } from './figures.server.ts';
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

it('adds up to what every subscription is worth, whatever happened, with the right signs', async () => {
	const step = fc.record({
		which: fc.nat(3),
		mrr: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 50_000 })),
		day: fc.integer({ min: 0, max: 90 })
	});
	await fc.assert(
		fc.asyncProperty(
			fc.array(step, { minLength: 1, maxLength: 15 }),
			fc.array(fc.nat(2), { minLength: 4, maxLength: 4 }),
			async (history, owners) => {
				const currency = freshCurrency();
				const rows = await subscriptions(currency, owners);
				// Time does not run backwards.
				for (const { which, mrr: worth, day } of history.toSorted((a, b) => a.day - b.day)) {
					const at = new Date(START + day * DAY);
					await transaction((tx) => recordMovement(tx, rows[which]!, worth, at));
				}
				const moved = await db.mrrMovement.findMany({ where: { currency } });
				for (const { kind, amount, customers } of moved) {
					const gains = ['new', 'expansion', 'reactivation'].includes(kind);
					expect(gains ? amount > 0 : amount < 0, `${kind} ${amount}`).toBe(true);
					expect(gains ? customers >= 0 : customers <= 0).toBe(true);
				}
				const now = (await mrr(db)).find((money) => money.currency === currency)?.amount ?? 0;
				expect(moved.reduce((sum, { amount }) => sum + amount, 0)).toBe(now);
				for (const row of rows) {
					const own = moved.filter(({ subscriptionId }) => subscriptionId === row.id);
					const { mrr: worth } = await db.subscription.findUniqueOrThrow({ where: { id: row.id } });
					expect(own.reduce((sum, { amount }) => sum + amount, 0)).toBe(worth);
				}
				const worthy = await db.subscription.groupBy({
					by: ['customerId'],
					where: { currency, mrr: { gt: 0 } }
				});
				expect(moved.reduce((sum, { customers }) => sum + customers, 0)).toBe(worthy.length);
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

it('keeps a book for each currency', async () => {
	const { id: customerId } = await aCustomer();
	const [dollars, pesos] = [freshCurrency(), freshCurrency()];
	const one = await aSubscription({ customerId, planId, currency: dollars, mrr: 0 });
	const other = await aSubscription({ customerId, planId, currency: pesos, mrr: 0 });
	const move = (row: typeof one, worth: number) =>
		transaction((tx) => recordMovement(tx, row, worth, new Date(START)));
	expect(await move(one, 4_900)).toBe('new');
	expect(await move(other, 46_000)).toBe('new');
	expect(await move(one, 0)).toBe('churn');
	const heads = await db.mrrMovement.groupBy({
		by: ['currency'],
		where: { customerId },
		_sum: { customers: true },
		orderBy: { currency: 'asc' }
	});
	expect(heads.map(({ _sum }) => _sum.customers)).toEqual([0, 1]);
});

it('tells two first subscriptions at the same moment apart', async () => {
	const currency = freshCurrency();
	const rows = await subscriptions(currency, [0, 0]);
	const kinds = await Promise.all(
		rows.map((row) => transaction((tx) => recordMovement(tx, row, 1_000, new Date(START))))
	);
	expect(kinds.toSorted()).toEqual(['expansion', 'new']);
});
