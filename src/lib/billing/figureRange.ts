/** What the figures' pages and files show: all of it lives in the URL. */
export interface FigureRange {
	/** ISO 4217 in lower case; null: the one that most pay in. */
	currency: string | null;
	/** How many months, the last included. */
	months: number;
	/** The last month, `2026-10`; null: the running one. */
	until: string | null;
}

export const RANGES = [3, 6, 12, 24, 36, 60] as const;
const USUAL = 12;

/** Reads the URL; what makes no sense falls back to the usual, so that a mistyped address still shows figures. */
export function parseFigureRange(params: URLSearchParams): FigureRange {
	const months = Number(params.get('months'));
	const currency = params.get('currency')?.toLowerCase() ?? '';
	const until = params.get('until') ?? '';
	return {
		currency: /^[a-z][a-z0-9]{2}$/.test(currency) ? currency : null,
		months: RANGES.find((range) => range === months) ?? USUAL,
		until: /^20\d\d-(0[1-9]|1[0-2])$/.test(until) ? until : null
	};
}
