import { describe, expect, it } from 'vitest';
import * as format from './format.ts';

/** Intl separates with several kinds of blank; people see one. */
const plain = (text: string) => text.replace(/[\u00A0\u202F]/g, ' ');
const at = Date.UTC(2026, 10, 1, 3, 4, 5, 678);

describe('money', () => {
	it('turns minor units into the currency as the locale writes it', () => {
		expect(plain(format.money(4900, 'usd', 'es'))).toBe('US$ 49,00');
		expect(plain(format.money(4900, 'usd', 'en'))).toBe('$49.00');
		expect(plain(format.money(4900, 'USD', 'es-MX'))).toBe('USD 49.00');
	});
	it('knows currencies without cents', () => {
		expect(format.currencyDigits('CLP')).toBe(0);
		expect(plain(format.money(5000, 'clp', 'en'))).toBe('CLP 5,000');
	});
	it('drops the cents and marks gains when asked', () => {
		expect(plain(format.money(2143000, 'usd', 'es', { whole: true }))).toBe('US$ 21.430');
		expect(plain(format.money(2000, 'usd', 'en', { sign: true }))).toBe('+$20.00');
		expect(plain(format.money(0, 'usd', 'en', { sign: true }))).toBe('$0.00');
	});
	it('loses no cent of amounts that a float cannot hold', () => {
		expect(format.money(900719925474099301n, 'usd', 'en')).toBe('$9,007,199,254,740,993.01');
	});
	it('writes decimals exactly', () => {
		expect(format.minorToDecimal(-5, 2)).toBe('-0.05');
		expect(format.minorToDecimal(120, 0)).toBe('120');
		expect(format.minorToDecimal(4905, 2)).toBe('49.05');
	});
});

describe('numbers and sizes', () => {
	it('groups thousands from four digits on, in Spanish too', () => {
		expect(format.number(1430, 'es')).toBe('1.430');
		expect(format.number(1234.567, 'en', 1)).toBe('1,234.6');
	});
	it('writes fractions as percent', () => {
		expect(plain(format.percent(0.013, 'es'))).toBe('1,3 %');
	});
	it('counts bytes in steps of 1,024', () => {
		expect(plain(format.bytes(1.2 * 1024 ** 3, 'es'))).toBe('1,2 GB');
		expect(plain(format.megabytes(4096, 'en'))).toBe('4 GB');
		expect(plain(format.bytes(0, 'en'))).toBe('0 byte');
	});
});

describe('duration', () => {
	it.each([
		[100, '0,1 s'],
		[11_800, '11,8 s'],
		[41_200, '41 s'],
		[59_960, '1 min'],
		[125_000, '2 min 5 s'],
		[11_520_000, '3 h 12 min'],
		[41 * 86_400_000, '41 días'],
		[-5, '0 s']
	])('%i ms is %s', (ms, expected) => {
		expect(plain(format.duration(ms, 'es'))).toBe(expected);
	});
});

describe('dates', () => {
	it('are written in the viewer’s zone', () => {
		expect(format.date(at, 'es', 'UTC')).toBe('1 nov 2026');
		expect(format.date(at, 'es', 'America/Guayaquil')).toBe('31 oct 2026');
		expect(plain(format.dateTime(at, 'en', 'America/Guayaquil'))).toBe('Oct 31, 2026, 10:04 PM');
	});
	it('keep a bare day that day everywhere', () => {
		expect(format.date('2026-11-01', 'es', 'America/Guayaquil')).toBe('1 nov 2026');
	});
	it('line up as log times', () => {
		expect(format.clockTime(at, 'UTC')).toBe('03:04:05.678');
	});
});

describe('relative', () => {
	it.each([
		[-4_000, 'hace 4 s'],
		[-59_700, 'hace 1 min'],
		[-7_200_000, 'hace 2 h'],
		[-3 * 86_400_000, 'hace 3 días'],
		[-86_400_000, 'ayer'],
		[2 * 3_600_000, 'dentro de 2 h'],
		[-400 * 86_400_000, 'el año pasado']
	])('%i ms from now is "%s"', (offset, expected) => {
		expect(plain(format.relative(at + offset, at, 'es'))).toBe(expected);
	});
});

it('writes thousands with one letter', () => {
	const said = [5_000, 20_000].map((value) => plain(format.compact(value, 'es-DO')));
	expect(said.map((text) => text.at(-1))).toEqual(['k', 'k']);
});

it('lists with the language’s "and"', () => {
	expect(format.list(['a', 'b', 'c'], 'es')).toBe('a, b y c');
});

it('makes initials of whole names', () => {
	expect(format.initials('  Luis de la Mora ')).toBe('LM');
	expect(format.initials('ñandú')).toBe('Ñ');
	expect(format.initials('')).toBe('');
});
