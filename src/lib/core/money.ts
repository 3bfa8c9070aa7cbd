/** Amounts are integers in minor units beside an ISO 4217 code in lower case, as Stripe writes both. */
export interface Money {
	amount: number;
	currency: string;
}

/** Price of one interval as an amount per month, rounded half up to whole minor units. */
export function perMonth(amount: number, interval: 'month' | 'year'): number {
	return interval === 'month' ? amount : Math.round(amount / 12);
}

/** An amount in major units, for files that programs read: 49.9 for 4990 cents. */
export function inMajorUnits(amount: number, currency: string): number {
	return amount / minorUnits(currency);
}

/** Minor units of one major unit: 100 for USD, 1 for CLP or PYG. */
export function minorUnits(currency: string): number {
	const digits =
		new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions()
			.maximumFractionDigits ?? 2;
	return 10 ** digits;
}

/**
 * Splits a whole number of smallest parts by weights, so that the shares add up to it exactly: each gets its share
 * rounded down, and those that lost most by it get one part more (the largest remainder method).
 * @param weights zero or more each; where all are zero the first shares get what there is, one by one
 */
export function allocate(total: number, weights: readonly number[]): number[] {
	const sign = Math.sign(total);
	const whole = Math.abs(total);
	const sum = weights.reduce((all, weight) => all + weight, 0);
	const exact = weights.map((weight) =>
		sum > 0 ? (whole * weight) / sum : whole / weights.length
	);
	const shares = exact.map(Math.floor);
	let left = whole - shares.reduce((all, share) => all + share, 0);
	const byLoss = exact
		.map((share, index) => ({ index, loss: share - Math.floor(share) }))
		.toSorted((a, b) => b.loss - a.loss || a.index - b.index);
	for (const { index } of byLoss) {
		if (left <= 0) break;
		shares[index]! += 1;
		left -= 1;
	}
	return shares.map((share) => (share === 0 ? 0 : sign * share));
}
