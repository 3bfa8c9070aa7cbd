import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addMonths, dayKey, hourOf, monthKey, startOfMonth } from './dates.ts';
import { minorUnits, perMonth } from './money.ts';

const at = (iso: string) => new Date(iso);

describe('a calendar month', () => {
	it.each([
		['2026-11-20T12:00:00Z', 'America/Guayaquil', '2026-11-01T05:00:00.000Z'],
		['2026-11-01T04:59:59Z', 'America/Guayaquil', '2026-10-01T05:00:00.000Z'],
		['2026-04-10T00:00:00Z', 'America/Santiago', '2026-04-01T03:00:00.000Z'],
		['2026-03-15T00:00:00Z', 'Europe/Madrid', '2026-02-28T23:00:00.000Z'],
		['2026-01-01T00:00:00Z', 'UTC', '2026-01-01T00:00:00.000Z']
	])('that holds %s in %s begins at %s', (moment, zone, start) => {
		expect(startOfMonth(at(moment), zone).toISOString()).toBe(start);
	});

	it("is named by its zone, and the next one follows over the year's end", () => {
		expect(monthKey(at('2026-12-31T23:30:00Z'), 'Asia/Tokyo')).toBe('2027-01');
		expect(addMonths(at('2026-12-15T00:00:00Z'), 1, 'America/Guayaquil').toISOString()).toBe(
			'2027-01-01T05:00:00.000Z'
		);
	});

	it("holds every moment between its start and the next one's", () => {
		const zones = [
			'America/Guayaquil',
			'America/Sao_Paulo',
			'Europe/Madrid',
			'Pacific/Auckland',
			'UTC'
		];
		fc.assert(
			fc.property(
				fc.date({
					min: at('2000-01-01T00:00:00Z'),
					max: at('2040-01-01T00:00:00Z'),
					noInvalidDate: true
				}),
				fc.constantFrom(...zones),
				(moment, zone) => {
					expect(startOfMonth(moment, zone).getTime()).toBeLessThanOrEqual(moment.getTime());
					expect(addMonths(moment, 1, zone).getTime()).toBeGreaterThan(moment.getTime());
					expect(monthKey(startOfMonth(moment, zone), zone)).toBe(monthKey(moment, zone));
				}
			)
		);
	});
});

describe('an hour of a day', () => {
	it.each([
		['2026-11-24', 3, 'America/Guayaquil', '2026-11-24T08:00:00.000Z'],
		['2026-11-24', 0, 'Asia/Tokyo', '2026-11-23T15:00:00.000Z'],
		['2026-03-29', 3, 'Europe/Madrid', '2026-03-29T01:00:00.000Z']
	])('%s at %i in %s', (day, hour, zone, moment) => {
		expect(hourOf(day, hour, zone).toISOString()).toBe(moment);
		expect(dayKey(at(moment), zone)).toBe(day);
	});
});

describe('money', () => {
	it('is normalised to a month', () => {
		expect([perMonth(4900, 'month'), perMonth(58_800, 'year'), perMonth(10_000, 'year')]).toEqual([
			4900, 4900, 833
		]);
	});

	it('has the minor units of its currency', () => {
		expect(['usd', 'clp', 'pyg', 'eur'].map(minorUnits)).toEqual([100, 1, 1, 100]);
	});
});
