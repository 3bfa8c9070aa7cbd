/** Currencies that we sell in, with the digits of their minor unit (ISO 4217, and the same at Stripe). */
export const CURRENCIES = {
	usd: 2,
	ars: 2,
	bob: 2,
	brl: 2,
	clp: 0,
	cop: 2,
	crc: 2,
	dop: 2,
	eur: 2,
	gtq: 2,
	hnl: 2,
	mxn: 2,
	nio: 2,
	pab: 2,
	pen: 2,
	pyg: 0,
	uyu: 2
} as const;

export type Currency = keyof typeof CURRENCIES;
export const CURRENCY_CODES = Object.keys(CURRENCIES).filter(isCurrency);

export function isCurrency(code: string): code is Currency {
	return Object.hasOwn(CURRENCIES, code);
}

/** Stripe takes no more than eight digits. */
export const MOST_MINOR = 99_999_999;

/**
 * An amount as a person types it, in minor units: `49`, `49.5`, `1.234,50`, `1,234.50`. The last separator is the decimal
 * one when it is not followed by three digits in a currency that has minor units; all others group by three.
 * @returns null for what is no amount of this currency, and for what nobody may mean
 */
export function parseAmount(text: string, currency: Currency): number | null {
	const digits = CURRENCIES[currency];
	const clean = text.trim().replace(/[\s\u00a0\u202f]/g, '');
	const parts = /^(\d[\d.,]*?)(?:([.,])(\d{1,2}))?$/.exec(clean);
	if (!parts) return null;
	const [, whole = '', separator, decimals = ''] = parts;
	if (decimals.length > digits) return null;
	const grouped = whole.split(/[.,]/);
	// Groups are three digits each, all with the same separator, which is not the decimal one.
	const groups = new Set(whole.replace(/\d/g, ''));
	const isGrouped = grouped.length > 1;
	if (isGrouped) {
		if (groups.size !== 1 || groups.has(separator ?? '')) return null;
		if (grouped[0]!.length > 3 || grouped.slice(1).some((group) => group.length !== 3)) return null;
	}
	const minor = Number(`${grouped.join('')}${decimals.padEnd(digits, '0')}`);
	return Number.isSafeInteger(minor) && minor <= MOST_MINOR ? minor : null;
}

/** The amount as an input shows it: `49.50` in dollars, `29000` in pesos without cents. */
export function amountText(minor: number, currency: Currency): string {
	const digits = CURRENCIES[currency];
	if (digits === 0) return String(minor);
	const text = String(minor).padStart(digits + 1, '0');
	return `${text.slice(0, -digits)}.${text.slice(-digits)}`;
}
