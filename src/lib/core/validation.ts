import { z } from 'zod';
import { m } from '#i18n/paraglide/messages.js';

// Importing this file is enough: from then on every schema of the process answers with our sentences.
z.config({ localeError: sentence });

/** What is wrong with a value, as a sentence that a person can act on, in the language of the request. */
function sentence(issue: z.core.$ZodRawIssue): string {
	switch (issue.code) {
		case 'invalid_type':
			return isMissing(issue.input) ? m.field_required() : wrongType(issue.expected);
		case 'too_small':
			return tooSmall(issue.origin, Number(issue.minimum));
		case 'too_big':
			return tooBig(issue.origin, Number(issue.maximum));
		case 'invalid_format':
			return isMissing(issue.input) ? m.field_required() : wrongFormat(issue.format);
		case 'invalid_value':
			return isMissing(issue.input)
				? m.field_required()
				: m.field_not_allowed({ values: issue.values.join(', ') });
		case 'unrecognized_keys':
			return m.field_unknown({ names: issue.keys.join(', ') });
		default:
			return m.field_invalid();
	}
}

/**
 * One sentence per field, the first that applies; nested ones as `billing.reason`.
 * @returns what `AppError('BAD_INPUT', { fields })` wants
 */
export function fieldSentences(error: z.ZodError): Record<string, string> {
	const fields: Record<string, string> = {};
	for (const issue of error.issues) {
		const unknown = issue.code === 'unrecognized_keys' ? issue.keys.join(', ') : '';
		fields[issue.path.join('.') || unknown || '_'] ??= issue.message;
	}
	return fields;
}

function isMissing(input: unknown): boolean {
	return input === undefined || input === null || input === '';
}

function wrongType(expected: string): string {
	if (expected === 'number' || expected === 'int') return m.field_number();
	if (expected === 'boolean') return m.field_boolean();
	return expected === 'date' ? m.field_date() : m.field_invalid();
}

function tooSmall(origin: string, minimum: number): string {
	if (origin === 'string')
		return minimum === 1 ? m.field_required() : m.field_too_short({ minimum });
	return origin === 'array' || origin === 'set'
		? m.field_too_few({ minimum })
		: m.field_at_least({ minimum });
}

function tooBig(origin: string, maximum: number): string {
	if (origin === 'string') return m.field_too_long({ maximum });
	return origin === 'array' || origin === 'set'
		? m.field_too_many({ maximum })
		: m.field_at_most({ maximum });
}

function wrongFormat(format: string): string {
	switch (format) {
		case 'email':
			return m.field_email();
		case 'url':
			return m.field_url();
		case 'uuid':
		case 'guid':
			return m.field_id();
		case 'date':
		case 'datetime':
		case 'time':
			return m.field_date();
		default:
			return m.field_format();
	}
}
