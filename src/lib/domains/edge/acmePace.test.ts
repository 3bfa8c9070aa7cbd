import { expect, test } from 'vitest';
import { DAY, HOUR, MINUTE } from '#lib/core/clock.server.ts';
import { afterFailure, afterLimit, renewalTime } from './acmePace.ts';

const at = new Date('2026-11-22T00:00:00Z');
const later = (ms: number) => new Date(at.getTime() + ms);

test('short lives are renewed when a third is left', () => {
	const notBefore = new Date('2026-01-01');
	const until = (days: number) => new Date(notBefore.getTime() + days * DAY);
	const facts = (days: number) => ({ issuer: '', notBefore, notAfter: until(days) });
	expect(renewalTime(facts(6))).toEqual(until(4));
	expect(renewalTime(facts(90))).toEqual(until(60));
	expect(renewalTime(facts(365))).toEqual(until(335));
});

test('a refusal is waited for ever longer, a day at most', () => {
	const waits = [1, 2, 3, 4, 5, 6, 7, 99].map((count) => +afterFailure(at, count) - +at);
	expect(waits).toEqual(waits.toSorted((a, b) => a - b));
	expect([waits[0], waits.at(-1)]).toEqual([15 * MINUTE, DAY]);
});

test('a limit lasts as long as the authority says, an hour at least', () => {
	expect(afterLimit(at, null)).toEqual(later(HOUR));
	expect(afterLimit(at, later(MINUTE))).toEqual(later(HOUR));
	expect(afterLimit(at, later(5 * HOUR))).toEqual(later(5 * HOUR));
});
