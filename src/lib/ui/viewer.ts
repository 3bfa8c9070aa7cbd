/** Name of the cookie that carries the browser's time zone. */
export const ZONE_COOKIE = 'zone';

/** Names that `Intl` keeps as they are: asking it takes longer than everything else that is done with a cookie. */
const zones = new Set<string>();

/** A zone name that `Intl` knows, or 'UTC': the cookie is the browser's word and may be anything. */
export function validZone(name: string | undefined): string {
	if (!name || zones.has(name)) return name || 'UTC';
	try {
		const zone = new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone;
		if (zone === name) zones.add(name);
		return zone;
	} catch {
		// RangeError: not a zone.
		return 'UTC';
	}
}

/**
 * The locale to format with: the first tag of Accept-Language that speaks the page's language ('es-MX' on a Spanish
 * page), so that figures look as at home; else the bare language.
 */
export function formattingLocale(language: string, acceptLanguage: string | null): string {
	for (const part of (acceptLanguage ?? '').split(',')) {
		const tag = part.split(';')[0]?.trim() ?? '';
		if (!/^[a-z]{2,3}(-[a-z\d]{2,8})*$/i.test(tag)) continue;
		if (tag.toLowerCase().split('-')[0] !== language) continue;
		if (Intl.NumberFormat.supportedLocalesOf(tag).length) return tag;
	}
	return language;
}
