import fc from 'fast-check';
import { expect, it } from 'vitest';
import { allocate, inMajorUnits, minorUnits, perMonth } from './money.ts';

const weights = fc.array(fc.nat(1_000_000), { minLength: 1, maxLength: 20 });

it('splits any amount so that the shares add up to it, none further from its due than one part', () => {
	fc.assert(
		fc.property(fc.integer({ min: -10_000_000, max: 10_000_000 }), weights, (total, given) => {
			const shares = allocate(total, given);
			expect(shares.reduce((sum, share) => sum + share, 0)).toBe(total);
			const sum = given.reduce((all, weight) => all + weight, 0);
			for (const [index, share] of shares.entries()) {
				expect(Number.isInteger(share)).toBe(true);
				if (sum > 0) expect(Math.abs(share - (total * given[index]!) / sum)).toBeLessThan(1);
			}
		})
	);
});

it.each([
	[100, [1, 1, 1], [34, 33, 33]],
	[1_000, [123_424, 114_571, 70_017], [401, 372, 227]],
	[-100, [1, 1, 1], [-34, -33, -33]],
	[5, [0, 0], [3, 2]],
	[0, [1, 2], [0, 0]]
])('splits %i by %j', (total, given, shares) => {
	expect(allocate(total, given)).toEqual(shares);
});

it.each([
	['usd', 100],
	['clp', 1],
	['pyg', 1],
	['bhd', 1_000]
])('knows the minor units of %s', (currency, units) => {
	expect(minorUnits(currency)).toBe(units);
	expect(inMajorUnits(units, currency)).toBe(1);
});

it('makes months of years in whole minor units', () => {
	expect(perMonth(100, 'year')).toBe(8);
	expect(perMonth(102, 'year')).toBe(9);
	expect(perMonth(59_000, 'year')).toBe(4_917);
	expect(perMonth(4_900, 'month')).toBe(4_900);
});
