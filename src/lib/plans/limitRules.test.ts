import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judgeLimit, NOTHING_TOLD, type Remembered, type Verdict } from './limitRules.ts';
import { levelOf, stepOf, together } from './limits.ts';

const DAY = 86_400_000;
const start = new Date('2026-01-31T12:00:00Z');
const later = (days: number) => new Date(start.getTime() + days * DAY);
const reading = (used: number) => ({ used, amount: 10, graceDays: 14, act: 'read_only' as const });

describe('one limit', () => {
	it('tells each step once, and again only after use fell well below it', () => {
		let state: Remembered = NOTHING_TOLD;
		const tells = [7, 8, 8, 9, 10, 10, 9, 10, 7, 8].map((used) => {
			const verdict = judgeLimit(state, reading(used), start);
			state = verdict;
			return verdict.tell;
		});
		expect(tells).toEqual([null, 80, null, 90, 100, null, null, 100, null, 80]);
	});

	it('acts after the days of grace, and is lifted when use falls or the plan grows', () => {
		const first = judgeLimit(NOTHING_TOLD, reading(12), start);
		expect(first).toMatchObject({ tell: 'over', turn: null, actsAt: later(14), actedAt: null });
		expect(judgeLimit(first, reading(12), later(13.9))).toMatchObject({ tell: null, turn: null });
		const acted = judgeLimit(first, reading(12), later(14));
		expect(acted).toMatchObject({ turn: 'act', actedAt: later(14) });
		expect(judgeLimit(acted, reading(12), later(20))).toMatchObject({ turn: null });
		expect(judgeLimit(acted, reading(9), later(20))).toMatchObject({ turn: 'lift', actsAt: null });
		expect(judgeLimit(acted, { ...reading(12), amount: 50 }, later(20)).turn).toBe('lift');
		expect(judgeLimit(acted, { ...reading(12), act: 'tell' }, later(20)).turn).toBe('lift');
	});

	it('never takes anything away on the day on which it is told, whatever the plan says', () => {
		for (const act of ['read_only', 'suspend'] as const) {
			const verdict = judgeLimit(NOTHING_TOLD, { ...reading(12), graceDays: 0, act }, start);
			expect(verdict).toMatchObject({ tell: 'over', turn: null, actsAt: later(1) });
		}
	});

	it('keeps its promises over any history of use', () => {
		const looks = fc.array(
			fc.record({ used: fc.nat(30), hours: fc.integer({ min: 1, max: 200 }) }),
			{ minLength: 1, maxLength: 60 }
		);
		const grace = fc.integer({ min: 0, max: 20 });
		const act = fc.constantFrom('tell', 'refuse', 'read_only', 'suspend');
		fc.assert(
			fc.property(looks, grace, act, (history, graceDays, act) => {
				let [state, at]: [Remembered, Date] = [NOTHING_TOLD, start];
				let overSince: Date | null = null;
				for (const { used, hours } of history) {
					at = new Date(at.getTime() + hours * 3_600_000);
					const before = state;
					const verdict: Verdict = judgeLimit(before, { used, amount: 10, graceDays, act }, at);
					overSince = used > 10 ? (overSince ?? at) : null;
					expect(verdict.overSince).toEqual(overSince);
					if (verdict.actedAt) {
						expect(act).not.toBe('tell');
						expect(at.getTime() - overSince!.getTime()).toBeGreaterThanOrEqual(graceDays * DAY);
					}
					// An act and its end come in turns, and an act only after people were told.
					expect(verdict.turn === 'act').toBe(!before.actedAt && verdict.actedAt !== null);
					expect(verdict.turn === 'lift').toBe(before.actedAt !== null && !verdict.actedAt);
					// The same look once more says nothing new.
					expect(judgeLimit(verdict, { used, amount: 10, graceDays, act }, at)).toMatchObject({
						tell: null,
						turn: null
					});
					state = verdict;
				}
			})
		);
	});
});

it('knows how a use stands', () => {
	expect(levelOf(5, null)).toBe('unlimited');
	expect(levelOf(null, 5)).toBe('unknown');
	expect([3, 4, 5, 6].map((used) => levelOf(used, 5))).toEqual(['ok', 'near', 'full', 'over']);
	expect([stepOf(0, 0), stepOf(1, 0), stepOf(89, 100), stepOf(90, 100)]).toEqual([0, 100, 80, 90]);
});

it('adds what several subscriptions include, and takes the mildest of their acts', () => {
	const users = { resource: 'users', amount: 5, graceDays: 3, act: 'suspend' } as const;
	expect(together('users', [])).toBeNull();
	expect(together('users', [{ limit: users, quantity: 3 }])).toEqual({ ...users, amount: 15 });
	expect(
		together('users', [
			{ limit: users, quantity: 1 },
			{ limit: { ...users, amount: 2, graceDays: 9, act: 'tell' }, quantity: 2 }
		])
	).toEqual({ resource: 'users', amount: 9, graceDays: 9, act: 'tell' });
	expect(
		together('users', [
			{ limit: users, quantity: 1 },
			{ limit: null, quantity: 1 }
		])
	).toBeNull();
	const disk = { ...users, resource: 'disk_gb' } as const;
	expect(together('disk_gb', [{ limit: disk, quantity: 3 }])?.amount).toBe(5);
});
