import { m } from '#i18n/paraglide/messages.js';
import { isErrorCode, sentenceOf } from '#lib/core/errors.ts';
import { containerMoveTrouble } from './moveWords.ts';

/**
 * Why a move waits, failed or was turned back, for staff.
 * @param stored `code`, or `code: words of the vendor`
 */
export function moveError(stored: string): { sentence: string; technical: string | null } {
	const ofContainer = containerMoveTrouble(stored);
	if (ofContainer) return ofContainer;
	const [, code = '', words = null] = /^([A-Z][A-Z0-9_]+)(?::\s*(.+))?$/s.exec(stored) ?? [];
	if (isErrorCode(code) && code !== 'INTERNAL')
		return { sentence: sentenceOf(code), technical: words };
	return { sentence: m.migration_error_unforeseen(), technical: words ?? stored };
}
