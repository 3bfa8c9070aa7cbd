import type { AlertSeverity } from '#prisma/generated/enums.ts';

/** What a rule asks of the values of one subject. */
export interface AlertTerms {
	worse: 'above' | 'below';
	/** Null where the metric is yes (1) or no (0). */
	threshold: number | null;
	/** Values in a row, the newest included, that must agree. */
	samples: number;
	/** How far back on the good side they must be before it is over. */
	hysteresis: number;
	severity: AlertSeverity;
	/** Past this it is critical; null: it never becomes so. */
	criticalAt: number | null;
}

/**
 * `past`: over the threshold, an alert opens · `good`: far enough back, it closes · `between`: neither for long enough,
 * everything stays as it is · `unknown`: no fresh value, everything stays as it is and is shown so.
 */
export type Judgement =
	| { kind: 'past'; severity: AlertSeverity; value: number }
	| { kind: 'good' | 'between'; value: number }
	| { kind: 'unknown'; value: null };

/** Between yes and no. */
const HALF = 0.5;
/** What will be full in so few days is critical, however much room there is now. */
const FULL_SOON_DAYS = 3;

/** @param values newest first; null: nothing fresh is known. @param daysLeft until it is full, where that is known */
export function judge(
	values: number[] | null,
	terms: AlertTerms,
	daysLeft: number | null = null
): Judgement {
	const [value] = values ?? [];
	if (!values || value === undefined) return { kind: 'unknown', value: null };
	const latest = values.slice(0, terms.samples);
	// A rule whose samples are not there yet says nothing: a new container is busy at first.
	if (latest.length < terms.samples) return { kind: 'between', value };
	const threshold = terms.threshold ?? HALF;
	if (latest.every((one) => isBeyond(one, threshold, terms.worse)))
		return { kind: 'past', severity: severityOf(latest, terms, daysLeft), value };
	const back =
		terms.worse === 'above' ? threshold - terms.hysteresis : threshold + terms.hysteresis;
	const isGood = latest.every((one) => !isBeyond(one, back, terms.worse));
	return { kind: isGood ? 'good' : 'between', value };
}

function severityOf(
	latest: number[],
	{ severity, criticalAt, worse }: AlertTerms,
	daysLeft: number | null
): AlertSeverity {
	if (criticalAt === null) return severity;
	const isCritical =
		latest.every((one) => isBeyond(one, criticalAt, worse)) ||
		(daysLeft !== null && daysLeft <= FULL_SOON_DAYS);
	return isCritical ? 'critical' : severity;
}

function isBeyond(value: number, limit: number, worse: 'above' | 'below'): boolean {
	return worse === 'above' ? value > limit : value < limit;
}

const ORDER: AlertSeverity[] = ['info', 'warning', 'critical'];

export function isWorse(one: AlertSeverity, than: AlertSeverity): boolean {
	return ORDER.indexOf(one) > ORDER.indexOf(than);
}
