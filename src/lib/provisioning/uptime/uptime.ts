/** How a month stands against what its plan promises. `unknown`: less than a day was looked at. */
export type Verdict = 'met' | 'at_risk' | 'missed' | 'unknown';

/** Those that a list may be narrowed to. */
export const BELOW = ['missed', 'at_risk'] as const satisfies Verdict[];

export function isBelow(text: string | undefined): text is (typeof BELOW)[number] {
	return BELOW.some((one) => one === text);
}

/** Looks of a while, and in how many hours of it there were any. */
export interface Looks {
	probes: number;
	answered: number;
	hours: number;
}

/** Below a day of looks a share says nothing. */
const ENOUGH_HOURS = 24;
/** From here on of what may be missed in a month it is at risk. */
const SPENT = 0.75;

/**
 * Answered of all looks, 0–1; null without one. The looks are the measure: a minute in which nobody looked is neither up
 * nor down.
 */
export function shareOf({ probes, answered }: Pick<Looks, 'probes' | 'answered'>): number | null {
	return probes > 0 ? answered / probes : null;
}

/**
 * Judges a month by how many looks it may miss: those of the whole month, a minute each, times what the plan leaves.
 * @param minutesLeft of the month, 0 when it is over
 * @param slaBasisPoints 9950 is 99.5 %
 */
export function judge(looks: Looks, minutesLeft: number, slaBasisPoints: number): Verdict {
	if (looks.hours < ENOUGH_HOURS) return 'unknown';
	const missed = looks.probes - looks.answered;
	// In whole numbers: 0.005 × 10,000 is not 50.
	const allowed = ((looks.probes + minutesLeft) * (10_000 - slaBasisPoints)) / 10_000;
	if (missed > allowed) return 'missed';
	if (minutesLeft === 0 || missed === 0) return 'met';
	const isBelow = missed * 10_000 > looks.probes * (10_000 - slaBasisPoints);
	return isBelow || missed >= allowed * SPENT ? 'at_risk' : 'met';
}
