import fc from 'fast-check';
import type Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import { DELAYED, isOwed, mrrOf, statusOf } from './subscriptionStates.ts';

const TABLE: [string, string, string][] = [
	// Stripe's status, ours, ours when dunning has suspended
	['active', 'active', 'active'],
	['trialing', 'active', 'active'],
	['past_due', 'past_due', 'suspended'],
	['unpaid', 'suspended', 'suspended'],
	['paused', 'suspended', 'suspended'],
	['canceled', 'cancelled', 'cancelled'],
	['incomplete_expired', 'cancelled', 'cancelled'],
	['incomplete', 'pending', 'pending']
];

describe('statusOf', () => {
	it.each(TABLE)('reads %s as %s, as %s under dunning', (stripe, ours, dunned) => {
		expect(statusOf(stripe)).toBe(ours);
		expect(statusOf(stripe, { suspended: true })).toBe(dunned);
	});

	it('guesses nothing for words that it does not know', () => {
		const known = TABLE.map(([stripe]) => stripe);
		fc.assert(
			fc.property(
				fc.oneof(fc.string(), fc.constantFrom('toString', '__proto__', 'cancelled', 'Active')),
				fc.boolean(),
				(word, suspended) => {
					fc.pre(!known.includes(word));
					expect(statusOf(word, { suspended })).toBeNull();
				}
			)
		);
	});
});

describe('isOwed', () => {
	it.each(['pending', 'active', 'past_due', 'suspended', 'cancelled'] as const)('%s', (status) => {
		const live = status === 'active' || status === 'past_due';
		const at = new Date();
		expect(isOwed({ status, disputedAt: null, cancelledAt: null })).toBe(live);
		expect(isOwed({ status, disputedAt: at, cancelledAt: null })).toBe(false);
		expect(isOwed({ status, disputedAt: null, cancelledAt: at })).toBe(false);
	});
});

interface Facts {
	status?: string;
	unit?: number;
	quantity?: number;
	interval?: string;
	count?: number;
	coupons?: object[];
	metadata?: Record<string, string>;
}

function subscription(facts: Facts = {}): Stripe.Subscription {
	const { unit = 4_900, quantity = 1, interval = 'month', count = 1 } = facts;
	const made = {
		status: facts.status ?? 'active',
		metadata: facts.metadata ?? {},
		discounts: (facts.coupons ?? []).map((coupon) => ({
			source: { coupon: { percent_off: null, amount_off: null, ...coupon } }
		})),
		items: {
			data: [
				{ quantity, price: { unit_amount: unit, recurring: { interval, interval_count: count } } }
			]
		}
	};
	return made as unknown as Stripe.Subscription;
}

describe('mrrOf', () => {
	it.each<[string, Facts, number]>([
		['a month', {}, 4_900],
		['past due', { status: 'past_due' }, 4_900],
		['three seats', { quantity: 3 }, 14_700],
		['a year', { unit: 12_000, interval: 'year' }, 1_000],
		['a quarter', { unit: 9_000, count: 3 }, 3_000],
		['a week', { unit: 700, interval: 'week' }, 3_042],
		['a trial', { status: 'trialing' }, 0],
		[
			'a trial that makes up for a slow set-up',
			{ status: 'trialing', metadata: { [DELAYED]: '1' } },
			4_900
		],
		['incomplete', { status: 'incomplete' }, 0],
		['unpaid', { status: 'unpaid' }, 0],
		['cancelled', { status: 'canceled' }, 0],
		['10 % for ever', { coupons: [{ duration: 'forever', percent_off: 10 }] }, 4_410],
		['9 off for ever', { coupons: [{ duration: 'forever', amount_off: 900 }] }, 4_000],
		[
			'12 off a year',
			{ unit: 12_000, interval: 'year', coupons: [{ duration: 'forever', amount_off: 1_200 }] },
			900
		],
		['10 % once', { coupons: [{ duration: 'once', percent_off: 10 }] }, 4_900],
		['10 % for a while', { coupons: [{ duration: 'repeating', percent_off: 10 }] }, 4_900],
		['more off than it costs', { coupons: [{ duration: 'forever', amount_off: 90_000 }] }, 0]
	])('%s', (_, facts, expected) => {
		expect(mrrOf(subscription(facts))).toBe(expected);
	});
});
