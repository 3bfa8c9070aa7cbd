import type { LimitAct } from '#prisma/generated/enums.ts';
import { STEPS, type Step } from './limits.ts';

const DAY_MS = 86_400_000;
/** What was told is told again only after use fell this many percent below the step: around it nobody is told twice. */
const SLACK = 5;
/** Acts that take something away never come on the day on which somebody is told. */
const SHORTEST_GRACE: Record<LimitAct, number> = { tell: 0, refuse: 0, read_only: 1, suspend: 1 };

/** What is remembered of a limit; a row of `limit_states`. */
export interface Remembered {
	told: number;
	overSince: Date | null;
	actsAt: Date | null;
	actedAt: Date | null;
}

export interface Reading {
	/** Known, and not older than a day. In the unit of measurement, as `amount`. */
	used: number;
	amount: number;
	graceDays: number;
	act: LimitAct;
}

export interface Verdict extends Remembered {
	/** What people are told now: a step that was reached, or that it is more than the limit. */
	tell: Step | 'over' | null;
	/** The act begins or ends now. */
	turn: 'act' | 'lift' | null;
}

export const NOTHING_TOLD: Remembered = { told: 0, overSince: null, actsAt: null, actedAt: null };

/**
 * What one more look at a limit leads to. People are told once at 80, 90 and 100 percent and once when it is more; the
 * days of grace begin then, and the act comes after them, never at once. It ends by itself when use falls or the limit
 * grows.
 */
export function judgeLimit(before: Remembered, reading: Reading, at: Date): Verdict {
	const { used, amount, act } = reading;
	const percent = amount > 0 ? (used * 100) / amount : used > 0 ? 101 : 0;
	const reached = STEPS.findLast((step) => percent >= step) ?? 0;
	const kept = STEPS.findLast((step) => step <= before.told && percent >= step - SLACK) ?? 0;
	const told = Math.max(reached, kept);
	const over = used > amount;
	if (!over) {
		return {
			told,
			overSince: null,
			actsAt: null,
			actedAt: null,
			tell: reached > before.told ? reached : null,
			turn: before.actedAt ? 'lift' : null
		};
	}
	const overSince = before.overSince ?? at;
	const grace = Math.max(reading.graceDays, SHORTEST_GRACE[act]);
	const actsAt = act === 'tell' ? null : new Date(overSince.getTime() + grace * DAY_MS);
	const isDue = actsAt !== null && actsAt <= at;
	const actedAt = isDue ? (before.actedAt ?? at) : null;
	return {
		told,
		overSince,
		actsAt,
		actedAt,
		tell: before.overSince ? null : 'over',
		turn: actedAt && !before.actedAt ? 'act' : !actedAt && before.actedAt ? 'lift' : null
	};
}
