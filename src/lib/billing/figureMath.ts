/**
 * Definitions of the figures (domain.md section 5; Stripe's glossary of Billing metrics). Pure: amounts are minor units of
 * one currency, rates are fractions. What cannot be known is null, never 0.
 */

/** One calendar month of one currency. `end = start + fresh + expansion + reactivation + contraction + churn`. */
export interface MonthFacts {
	/** `2026-11` in the platform's zone. */
	month: string;
	/** Its first moment. */
	startsAt: Date;
	/** MRR at its first moment. */
	start: number;
	/** MRR at its end; now, in the month that is running. */
	end: number;
	new: number;
	expansion: number;
	reactivation: number;
	/** Negative. */
	contraction: number;
	/** Negative. */
	churn: number;
	/** Customers that were worth something at its first moment, came, came back, left (positive), and were there at its end. */
	customersStart: number;
	customersNew: number;
	customersBack: number;
	customersLost: number;
	customersEnd: number;
}

export interface Rates {
	/** Twelve times the MRR. */
	arr: number;
	/** MRR lost with customers and subscriptions that ended or were suspended as unpaid ÷ MRR at the start. */
	churn: number | null;
	/** The same with what shrank: (churn + contraction) ÷ MRR at the start. */
	grossChurn: number | null;
	/** Less what those who stayed or came back brought: below 0 when the rest grew by more than was lost. */
	netChurn: number | null;
	/** Customers that left ÷ customers at the start. */
	customerChurn: number | null;
	/** Less those who came back. */
	netCustomerChurn: number | null;
	/** MRR ÷ customers that are worth something, in whole minor units. */
	arpu: number | null;
	/** (new + expansion + reactivation) ÷ (contraction + churn); null when nothing was lost. */
	quickRatio: number | null;
}

/** What follows from a month. */
export function ratesOf(facts: MonthFacts): Rates {
	const lost = -facts.churn;
	const shrunk = -facts.contraction;
	const grown = facts.expansion + facts.reactivation;
	return {
		arr: facts.end * 12,
		churn: share(lost, facts.start),
		grossChurn: share(lost + shrunk, facts.start),
		netChurn: share(lost + shrunk - grown, facts.start),
		customerChurn: share(facts.customersLost, facts.customersStart),
		netCustomerChurn: share(facts.customersLost - facts.customersBack, facts.customersStart),
		arpu: facts.customersEnd > 0 ? Math.round(facts.end / facts.customersEnd) : null,
		quickRatio: share(facts.new + grown, lost + shrunk)
	};
}

/**
 * What a customer brings until it leaves: ARPU ÷ customer churn, in whole minor units.
 * @param customerChurn of a month that is over: a month that has just begun has lost nobody yet
 * @returns null when nobody left, so that nobody knows how long customers stay
 */
export function lifetimeValue(arpu: number | null, customerChurn: number | null): number | null {
	if (arpu === null || customerChurn === null || customerChurn <= 0) return null;
	return Math.round(arpu / customerChurn);
}

/** `part ÷ whole`, null when there is no whole. */
export function share(part: number, whole: number): number | null {
	// Not -0: a page would show a minus.
	return whole > 0 ? part / whole + 0 : null;
}

/** How much a value changed against another, as a fraction; null when there was nothing. */
export function changeOf(now: number | null, before: number | null): number | null {
	if (now === null || before === null || before === 0) return null;
	return (now - before) / Math.abs(before);
}
