import { describe, expect, it } from 'vitest';
import { perMonth } from '#lib/core/money.ts';
import { changeOf, lifetimeValue, type MonthFacts, ratesOf } from './figureMath.ts';

const nothing: MonthFacts = {
	...{ month: '2026-11', startsAt: new Date('2026-11-01T05:00:00Z') },
	...{ start: 0, end: 0, new: 0, expansion: 0, reactivation: 0, contraction: 0, churn: 0 },
	...{ customersStart: 0, customersNew: 0, customersBack: 0, customersLost: 0, customersEnd: 0 }
};

// https://docs.stripe.com/billing/subscriptions/analytics/glossary
describe("Stripe's documented examples", () => {
	it('MRR: a hundred at 100 a month and fifty at 600 a year are 12,500', () => {
		// The glossary prints 800/12, which gives 13,333: its result and its text only fit 600.
		const mrr = 100 * perMonth(10_000, 'month') + 50 * perMonth(60_000, 'year');
		expect(mrr).toBe(1_250_000);
		expect(ratesOf({ ...nothing, end: mrr }).arr).toBe(15_000_000);
	});

	it('an annual subscription of 1,200 counts 100 a month', () => {
		expect(perMonth(120_000, 'year')).toBe(10_000);
	});

	it('growth: new, reactivation and expansion less churn and contraction', () => {
		const facts = {
			...nothing,
			...{ start: 1_000_000, new: 200_000, reactivation: 30_000, expansion: 50_000 },
			...{ churn: -60_000, contraction: -20_000, end: 1_200_000 }
		};
		expect(facts.end - facts.start).toBe(200_000 + 30_000 + 50_000 - 60_000 - 20_000);
		expect(ratesOf(facts)).toMatchObject({
			churn: 0.06,
			grossChurn: 0.08,
			netChurn: 0,
			quickRatio: 3.5
		});
	});

	it('churn by head counts customers, not subscriptions', () => {
		const rates = ratesOf({
			...nothing,
			...{ customersStart: 200, customersNew: 20, customersBack: 2, customersLost: 10 },
			...{ customersEnd: 212, end: 1_060_000 }
		});
		expect(rates).toMatchObject({ customerChurn: 0.05, netCustomerChurn: 0.04, arpu: 5_000 });
		expect(lifetimeValue(rates.arpu, rates.customerChurn)).toBe(100_000);
	});
});

it('says nothing where nothing is known', () => {
	expect(ratesOf(nothing)).toEqual({
		...{ arr: 0, churn: null, grossChurn: null, netChurn: null },
		...{ customerChurn: null, netCustomerChurn: null, arpu: null, quickRatio: null }
	});
	expect(lifetimeValue(5_000, 0)).toBeNull();
	expect(lifetimeValue(5_000, null)).toBeNull();
	expect(lifetimeValue(null, 0.05)).toBeNull();
	expect(changeOf(5, 0)).toBeNull();
	expect(changeOf(null, 5)).toBeNull();
	expect(changeOf(3, 4)).toBe(-0.25);
});

it('is below nothing when those who stayed grew by more than was lost', () => {
	const facts = { ...nothing, start: 100, expansion: 30, churn: -10, end: 120 };
	expect(ratesOf(facts).netChurn).toBeCloseTo(-0.2);
	// No minus before a zero.
	expect(Object.is(ratesOf({ ...nothing, start: 100, end: 100 }).grossChurn, 0)).toBe(true);
});
