import { m } from '#i18n/paraglide/messages.js';
import { isErrorCode, sentenceOf } from '#lib/core/errors.ts';
import { againstMove, isTenantMoveRefusal } from './migrationWords.ts';
import { containerMoveTrouble } from './moveWords.ts';

type Language = { locale?: 'es' | 'en' };

/**
 * Why a move waits, failed or was turned back, for staff.
 * @param stored `code`, or `code: words of the vendor`
 */
export function moveError(
	stored: string,
	options: Language = {}
): { sentence: string; technical: string | null } {
	const ofContainer = containerMoveTrouble(stored, options);
	if (ofContainer) return ofContainer;
	const [, code = '', words = null] = /^([A-Z][A-Z0-9_]+)(?::\s*(.+))?$/s.exec(stored) ?? [];
	if (isErrorCode(code) && code !== 'INTERNAL') {
		const said = words ?? '';
		const reason = isTenantMoveRefusal(said) ? againstMove(said, options) : said;
		const sentence = sentenceOf(code, { reason, modules: said, place: said }, options);
		return { sentence, technical: said !== '' && !sentence.includes(reason) ? said : null };
	}
	return { sentence: m.migration_error_unforeseen({}, options), technical: words ?? stored };
}

/** Its sentence in both languages, for notices and alerts that are read later; null is said as unforeseen. */
export function moveErrorInBoth(stored: string | null): { why_es: string; why_en: string } {
	const said = (locale: 'es' | 'en') => moveError(stored ?? '', { locale }).sentence;
	return { why_es: said('es'), why_en: said('en') };
}
