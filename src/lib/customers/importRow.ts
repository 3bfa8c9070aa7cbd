import { fieldSentences } from '#lib/core/validation.ts';
import { m } from '#i18n/paraglide/messages.js';
import { countryCode } from './countryCodes.ts';
import { createCustomerSchema, type CreateCustomerInput } from './schema.ts';
import type { ImportCells } from './importFile.ts';
import { readTaxId, taxIdKindsOf } from './taxIds.ts';
import { taxIdSentence } from './words.ts';

/**
 * What a row of the file would make.
 * @returns what a customer is made from, or a sentence for each column that is wrong
 */
export function readImportRow(
	cells: ImportCells
): { input: CreateCustomerInput } | { errors: Record<string, string> } {
	const errors: Record<string, string> = {};
	const country = cells.country ? countryCode(cells.country) : undefined;
	if (country === null) errors.country = m.import_country_unknown({ value: short(cells.country) });
	const locale = cells.locale ? localeOf(cells.locale) : undefined;
	if (locale === null) errors.locale = m.import_locale_unknown({ value: short(cells.locale) });
	const parsed = createCustomerSchema.safeParse({
		...cells,
		country: country ?? undefined,
		locale: locale ?? undefined,
		tax_id_type: undefined
	});
	if (!parsed.success) return { errors: { ...fieldSentences(parsed.error), ...errors } };
	const input = parsed.data;
	if (input.tax_id && country !== null) {
		const read = taxIdOf(country ?? null, input.tax_id);
		if ('sentence' in read) errors.tax_id = read.sentence;
		else Object.assign(input, read);
	}
	return Object.keys(errors).length > 0 ? { errors } : { input };
}

function taxIdOf(
	country: string | null,
	typed: string
): { tax_id: string; tax_id_type: string | null } | { sentence: string } {
	if (!country) return { sentence: m.tax_id_needs_country() };
	const kinds = taxIdKindsOf(country);
	if (kinds.length === 0) return { tax_id: typed, tax_id_type: null };
	const read = kinds.map(({ type }) => ({ type, found: readTaxId(country, type, typed) }));
	for (const { type, found } of read)
		if ('value' in found) return { tax_id: found.value, tax_id_type: type };
	const first = read[0]!.found;
	return { sentence: 'problem' in first ? taxIdSentence(first.problem, first.kind) : '' };
}

function localeOf(typed: string): 'es' | 'en' | null {
	if (/^(es|esp|espa|spa)/i.test(typed)) return 'es';
	return /^(en|eng|ing)/i.test(typed) ? 'en' : null;
}

function short(value = ''): string {
	return value.slice(0, 60);
}
