import { expect, it } from 'vitest';
import { judgeChange, type Terms } from './changeRules.ts';

const basic: Terms = {
	planKey: 'basic',
	amount: 2_900,
	interval: 'month',
	quantity: 1
};
const pro: Terms = { ...basic, planKey: 'pro', amount: 4_900 };

it.each([
	['to a dearer plan', basic, pro, { kind: 'upgrade', when: 'now' }],
	['to a cheaper plan', pro, basic, { kind: 'downgrade', when: 'period_end' }],
	['to more users', basic, { ...basic, quantity: 3 }, { kind: 'quantity', when: 'now' }],
	['to fewer users', { ...basic, quantity: 3 }, basic, { kind: 'quantity', when: 'period_end' }],
	[
		'to a year',
		basic,
		{ ...basic, interval: 'year', amount: 29_000 },
		{ kind: 'interval', when: 'now' }
	],
	[
		'back to months',
		{ ...basic, interval: 'year', amount: 29_000 },
		basic,
		{ kind: 'interval', when: 'period_end' }
	],
	[
		'to a year of a cheaper plan',
		pro,
		{ ...basic, interval: 'year', amount: 29_000 },
		{ kind: 'downgrade', when: 'now' }
	],
	[
		'to a dearer plan by months, while a year is paid',
		{ ...basic, interval: 'year', amount: 29_000 },
		pro,
		{ kind: 'upgrade', when: 'period_end' }
	],
	[
		'to a newer, cheaper version',
		pro,
		{ ...pro, amount: 3_900 },
		{ kind: 'downgrade', when: 'period_end' }
	],
	[
		'to a plan that costs the same',
		basic,
		{ ...basic, planKey: 'same' },
		{ kind: 'upgrade', when: 'now' }
	]
] as const)('%s', (_name, from, to, verdict) => {
	expect(judgeChange(from, to)).toEqual(verdict);
});

it('finds no change where there is none', () => {
	expect(judgeChange(basic, { ...basic })).toBeNull();
});

it('changes at once while nothing has been paid', () => {
	expect(judgeChange(pro, basic, { tried: true })).toEqual({ kind: 'downgrade', when: 'now' });
});
