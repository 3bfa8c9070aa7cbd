import { perMonth } from '#lib/core/money.ts';
import type { ChangeKind, PriceInterval } from '#prisma/generated/enums.ts';

/** What a subscription is, or is wanted to be. */
export interface Terms {
	planKey: string;
	/** Of one interval and one unit, minor units. */
	amount: number;
	interval: PriceInterval;
	quantity: number;
}

export type TermsKind = Extract<ChangeKind, 'upgrade' | 'downgrade' | 'quantity' | 'interval'>;

export interface Verdict {
	kind: TermsKind;
	/** `now`: charged at once, for the rest of the period. `period_end`: what is paid is used first. */
	when: 'now' | 'period_end';
}

/**
 * What a change is called and when it comes into force: what costs more at once and prorated, what costs less when the
 * paid period ends. From month to year is at once, because a year begins; back when the year is over.
 * @param tried nothing has been paid yet: whatever changes, changes at once and costs nothing
 * @returns null when nothing is different
 */
export function judgeChange(
	now: Terms,
	wanted: Terms,
	options: { tried?: boolean } = {}
): Verdict | null {
	const samePlan = now.planKey === wanted.planKey;
	const sameInterval = now.interval === wanted.interval;
	if (samePlan && sameInterval && now.quantity === wanted.quantity && now.amount === wanted.amount)
		return null;
	const more = monthly(wanted) >= monthly(now);
	const kind = !samePlan
		? more
			? 'upgrade'
			: 'downgrade'
		: sameInterval
			? now.quantity === wanted.quantity
				? more
					? 'upgrade'
					: 'downgrade'
				: 'quantity'
			: 'interval';
	const atOnce = sameInterval ? more : wanted.interval === 'year';
	return { kind, when: options.tried || atOnce ? 'now' : 'period_end' };
}

function monthly({ amount, interval, quantity }: Terms): number {
	return perMonth(amount * quantity, interval);
}
