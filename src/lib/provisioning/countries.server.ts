/** ISO 3166-1 alpha-2, as assigned. */
const CODES =
	`AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY
	BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR
	GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP
	KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT
	MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW
	SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG
	UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW`
		.split(/\s+/)
		.filter(Boolean);

const made = new Map<string, { value: string; label: string }[]>();

/** Every country by its name in this language, in its order. Made on the server: browsers do not all name them alike. */
export function countries(locale: string): { value: string; label: string }[] {
	const known = made.get(locale);
	if (known) return known;
	const names = new Intl.DisplayNames(locale, { type: 'region' });
	const { compare } = new Intl.Collator(locale);
	const list = CODES.map((value) => ({ value, label: names.of(value) ?? value })).sort((a, b) =>
		compare(a.label, b.label)
	);
	made.set(locale, list);
	return list;
}

/** The country that a browser's languages name first: `es-DO` is DO. Null when none does. */
export function likelyCountry(acceptLanguage: string | null): string | null {
	for (const part of (acceptLanguage ?? '').split(',')) {
		const region = /^\s*[a-z]{2,3}(?:-[A-Za-z]{4})?-([A-Za-z]{2})\b/.exec(part)?.[1]?.toUpperCase();
		if (region && CODES.includes(region)) return region;
	}
	return null;
}
