import { expect, it } from 'vitest';
import { judge, shareOf } from './uptime.ts';

const MONTH = 43_200;

it.each([
	['a month without a miss', { probes: MONTH, answered: MONTH, hours: 720 }, 0, 9950, 'met'],
	[
		'exactly what may be missed',
		{ probes: MONTH, answered: MONTH - 216, hours: 720 },
		0,
		9950,
		'met'
	],
	['one more', { probes: MONTH, answered: MONTH - 217, hours: 720 }, 0, 9950, 'missed'],
	[
		'nothing may be missed',
		{ probes: MONTH, answered: MONTH - 1, hours: 720 },
		0,
		10_000,
		'missed'
	],
	['half a day', { probes: 700, answered: 0, hours: 12 }, MONTH - 700, 9900, 'unknown'],
	['no look at all', { probes: 0, answered: 0, hours: 0 }, 0, 9900, 'unknown'],
	[
		'below its promise, with days to go',
		{ probes: 1_500, answered: 1_480, hours: 25 },
		41_700,
		9950,
		'at_risk'
	],
	['most is spent', { probes: 40_000, answered: 39_835, hours: 700 }, 3_200, 9950, 'at_risk'],
	['some is spent', { probes: 40_000, answered: 39_900, hours: 700 }, 3_200, 9950, 'met'],
	[
		'more is missed than the rest can mend',
		{ probes: 20_000, answered: 19_700, hours: 400 },
		23_200,
		9950,
		'missed'
	]
] as const)('%s', (_name, looks, minutesLeft, sla, verdict) => {
	expect(judge(looks, minutesLeft, sla)).toBe(verdict);
});

it('has no share without a look', () => {
	expect(shareOf({ probes: 0, answered: 0 })).toBeNull();
	expect(shareOf({ probes: 4, answered: 3 })).toBe(0.75);
});
