import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { coalesced } from './coalesce.ts';

let begun: number[] = [];
const note = async () => void begun.push(performance.now());
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

beforeEach(() => {
	vi.useFakeTimers({ now: 0 });
	begun = [];
});
afterEach(() => {
	vi.useRealTimers();
});

it('takes what comes together as one', async () => {
	const soon = coalesced(note, { togetherMs: 150, apartMs: 500 });
	for (let i = 0; i < 10; i++) soon();
	await pass(149);
	expect(begun).toEqual([]);
	await pass(2_000);
	expect(begun).toHaveLength(1);
});

it('begins at most twice a second under a stream of calls, and once after the last', async () => {
	const soon = coalesced(note, { togetherMs: 150, apartMs: 500 });
	for (let at = 0; at < 4_000; at += 50) {
		soon();
		await pass(50);
	}
	const lastCall = performance.now() - 50;
	await pass(5_000);
	expect(begun.length).toBeGreaterThan(5);
	const gaps = begun.slice(1).map((at, index) => at - begun[index]!);
	expect(Math.min(...gaps)).toBeGreaterThanOrEqual(500);
	expect(begun.at(-1)).toBeGreaterThan(lastCall);
	expect(begun.at(-1)).toBeLessThan(lastCall + 700);
});

it('never runs twice at the same time, and again for a call that came meanwhile', async () => {
	let running = 0;
	let most = 0;
	const slow = async () => {
		begun.push(performance.now());
		most = Math.max(most, ++running);
		await new Promise((resolve) => setTimeout(resolve, 1_200));
		running--;
	};
	const soon = coalesced(slow, { togetherMs: 150, apartMs: 500 });
	soon();
	await pass(600);
	soon();
	await pass(5_000);
	expect(most).toBe(1);
	expect(begun).toHaveLength(2);
});

it('waits while it is held, and follows then', async () => {
	let held = true;
	const soon = coalesced(note, { togetherMs: 150, apartMs: 500, isHeld: () => held });
	soon();
	await pass(3_000);
	expect(begun).toEqual([]);
	held = false;
	await pass(600);
	expect(begun).toHaveLength(1);
});
