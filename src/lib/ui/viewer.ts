/** Name of the cookie that carries the browser's time zone. */
export const ZONE_COOKIE = 'zone';

/** A zone name that `Intl` knows, or 'UTC': the cookie is the browser's word and may be anything. */
export function validZone(name: string | undefined): string {
	try {
		return new Intl.DateTimeFormat('en', { timeZone: name || 'UTC' }).resolvedOptions().timeZone;
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
