const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
/** What Intl names besides countries. */
const OTHERS = new Set([
	'EU',
	'EZ',
	'UN',
	'QO',
	'XA',
	'XB',
	'ZZ',
	'AC',
	'CP',
	'DG',
	'EA',
	'IC',
	'TA',
	'CQ'
]);

let codes: Map<string, string> | undefined;

/** ISO 3166-1 alpha-2 of a country as people write it: its code, or its name in Spanish or English. Null when it is none. */
export function countryCode(typed: string): string | null {
	codes ??= read();
	return codes.get(folded(typed)) ?? null;
}

function read(): Map<string, string> {
	const found = new Map<string, string>();
	const names = ['es', 'en'].map(
		(locale) => new Intl.DisplayNames(locale, { type: 'region', fallback: 'none' })
	);
	for (const first of LETTERS) {
		for (const second of LETTERS) {
			const code = first + second;
			const known = names.map((display) => display.of(code));
			// Withdrawn codes answer with the name of what they became.
			if (OTHERS.has(code) || !known[0] || found.has(folded(known[0]))) continue;
			found.set(folded(code), code);
			for (const name of known) if (name) found.set(folded(name), code);
		}
	}
	return found;
}

function folded(text: string): string {
	return text.trim().normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
}
