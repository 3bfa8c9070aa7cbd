import { describe, expect, it } from 'vitest';
import { axisTicks, niceStep } from './chart.ts';

describe('the axis', () => {
	it('goes in round steps, with 0 on it', () => {
		expect(axisTicks(-700, 3_100)).toEqual([-1_000, 0, 1_000, 2_000, 3_000, 4_000]);
		expect(axisTicks(0, 1)).toContain(0);
		expect(axisTicks(12, 90)[0]).toBe(0);
	});

	it('has room for nothing at all, and no step below the smallest', () => {
		expect(axisTicks(0, 0)).toEqual([0, 1]);
		expect(niceStep(30, 100)).toBe(100);
		expect(niceStep(130, 100)).toBe(200);
	});
});
