import { expect, test } from 'vitest';
import { needsSecondPerson } from './fourEyes.ts';

test.each([
	[50_000, 'usd', ['500'], false],
	[50_001, 'usd', ['500'], true],
	// Without decimals a major unit is a minor one.
	[501, 'clp', ['500'], true],
	[450_000, 'clp', ['500', 'clp:450000'], false],
	[450_001, 'CLP', ['clp:450000', '500'], true],
	[99_999_999, 'usd', ['0'], false],
	[99_999_999, 'usd', [], false],
	[99_999_999, 'usd', ['500', 'usd:0'], false]
])('%s %s above %j: %s', (amount, currency, limits, expected) => {
	expect(needsSecondPerson(amount, currency, limits)).toBe(expected);
});
