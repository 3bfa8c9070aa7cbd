import { minorUnits } from '#lib/core/money.ts';

/**
 * Whether a second person has to say yes: the amount is above the limit of its currency.
 * @param amount minor units
 * @param limits lines of the setting `billing.four_eyes_above` in major units: `500` for every currency, `clp:450000` for
 * one, 0 switches it off
 */
export function needsSecondPerson(
	amount: number,
	currency: string,
	limits: readonly string[]
): boolean {
	const limit = limitOf(currency, limits);
	return limit > 0 && amount > limit * minorUnits(currency);
}

/** In major units; 0: there is none. */
function limitOf(currency: string, limits: readonly string[]): number {
	let general = 0;
	for (const line of limits) {
		const [first = '', second] = line.trim().split(':');
		if (second === undefined) general = Number(first);
		else if (first.toLowerCase() === currency.toLowerCase()) return Number(second);
	}
	return general;
}
