import { expect, test } from 'vitest';
import { amountText, parseAmount } from './invoiceForms.ts';

test.each([
	['19,90', 'usd', 1_990],
	['19.9', 'usd', 1_990],
	['19', 'usd', 1_900],
	['0,01', 'usd', 1],
	[' 1 000,50 ', 'usd', 100_050],
	['45000', 'clp', 45_000],
	['45000,5', 'clp', null],
	['19,999', 'usd', null],
	['1.234,50', 'usd', null],
	['-5', 'usd', null],
	['', 'usd', null],
	['doce', 'usd', null]
] as const)('%s %s is %s', (typed, currency, minor) => {
	expect(parseAmount(typed, currency)).toBe(minor);
});

test.each([
	[1_990, 'usd'],
	[5, 'usd'],
	[45_000, 'clp']
] as const)('%s %s survives the box', (minor, currency) => {
	expect(parseAmount(amountText(minor, currency), currency)).toBe(minor);
});
