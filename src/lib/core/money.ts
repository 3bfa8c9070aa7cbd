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
