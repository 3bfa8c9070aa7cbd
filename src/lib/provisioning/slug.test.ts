import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SLUG_PATTERN, slugProblem, suggestSlug } from './slug.ts';

describe('a name', () => {
	it.each([
		['cacao-real', null],
		['abc', null],
		['a1b2c3', null],
		['a'.repeat(30), null],
		['ab', 'too_short'],
		['a'.repeat(31), 'too_long'],
		['-abc', 'bad_characters'],
		['abc-', 'bad_characters'],
		['ab_c', 'bad_characters'],
		['ABC', 'bad_characters'],
		['señal', 'bad_characters'],
		['a.b', 'bad_characters'],
		['abc\n', 'bad_characters'],
		['xn--abc', 'punycode'],
		['ab--cd', 'punycode'],
		['admin', 'reserved'],
		['tpl-18', 'reserved']
	])('%j: %s', (slug, problem) => {
		expect(slugProblem(slug)).toBe(problem);
	});

	it('that is suggested for a company is one that may be used, or too short or reserved', () => {
		fc.assert(
			fc.property(fc.string({ maxLength: 60, unit: 'grapheme' }), (company) => {
				const slug = suggestSlug(company);
				expect(['too_short', 'reserved', null]).toContain(slugProblem(slug));
				if (slug.length >= 3) expect(slug).toMatch(SLUG_PATTERN);
			})
		);
		expect(suggestSlug('Cacao Réal S.A.')).toBe('cacao-real-s-a');
	});
});
