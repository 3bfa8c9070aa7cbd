import { expect, it } from 'vitest';
import { burnDown, freeFrom, mostOf, type Slice, usedAt } from './budget.ts';

const START = Date.UTC(2026, 10, 21, 12, 0, 0);
const at = (seconds: number) => new Date(START + seconds * 1000);
const slice = (seconds: number, calls: Partial<Slice>): Slice => ({
	...{ startsAt: at(seconds), user: 0, sync: 0, other: 0 },
	...calls
});
const SLICES = [
	slice(0, { user: 3, sync: 2 }),
	slice(10, { sync: 4 }),
	slice(200, { user: 1, other: 5 })
];

it('sums the window by lane, and counts a slice until all of it has left', () => {
	expect(usedAt(SLICES, at(205))).toEqual({ user: 4, sync: 6, other: 5, total: 15 });
	expect(usedAt(SLICES, at(309)).total).toBe(15);
	expect(usedAt(SLICES, at(310)).total).toBe(10);
	expect(usedAt(SLICES, at(320)).total).toBe(6);
	expect(usedAt(SLICES, at(510)).total).toBe(0);
	expect(usedAt(SLICES, at(5)).total).toBe(5);
});

it('says from when a lane may call again', () => {
	expect(freeFrom(SLICES, 16, at(205))).toBeNull();
	expect(freeFrom(SLICES, 15, at(205))).toEqual(at(310));
	expect(freeFrom(SLICES, 10, at(205))).toEqual(at(320));
	expect(freeFrom(SLICES, 6, at(205))).toEqual(at(510));
	expect(freeFrom([], 0, at(205))).toEqual(at(505));
});

it('keeps the rest for people', () => {
	expect(mostOf('user', { limit: 1200, syncShare: 0.6 })).toBe(1200);
	expect(mostOf('sync', { limit: 1200, syncShare: 0.6 })).toBe(720);
});

it('burns down what is left and gives it back as the window goes on', () => {
	const points = burnDown(SLICES, 20, at(314));
	expect(points).toHaveLength(30);
	expect(points.at(-1)).toEqual({ at: at(314), user: 0, sync: 0, other: 0, left: 10 });
	expect(points[0]!.at).toEqual(new Date(START + 30_000 - 1));
	expect(points[0]!.left).toBe(11);
	const burnt = points.find(({ other }) => other > 0)!;
	expect(burnt).toMatchObject({ user: 1, other: 5, left: 5 });
	expect(burnDown(SLICES, 4, at(205)).at(-1)!.left).toBe(0);
});
