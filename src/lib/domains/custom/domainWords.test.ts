import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { findingSentence, hostnameRefusal } from './domainWords.ts';
import type { Finding, FindingCode } from '../doctor/domainTypes.ts';
import type { HostnameProblem } from '../hostname.ts';

const source = readFileSync(new URL('../doctor/domainTypes.ts', import.meta.url), 'utf8');
const codes = [...source.slice(source.indexOf('type FindingCode')).matchAll(/\| '([a-z0-9_]+)'/g)]
	.map(([, code = '']) => code)
	.filter((code): code is FindingCode => /^[a-z0-9_]+$/.test(code))
	.filter((code) => !['ownership', 'routing', 'certificate', 'TXT'].includes(code));

const params = {
	...{ name: 'NAME', found: 'FOUND', wanted: 'pki.goog, letsencrypt.org', token: 'TOKEN' },
	...{ records: '3', domain: 'DOMAIN', provider: 'PROVIDER', reason: 'ETIMEOUT', at: 'AT' },
	...{ issuer: 'ISSUER', expires_at: '2026-11-21T10:00:00.000Z', detail: 'DETAIL' },
	...{ value: 'VALUE', type: 'CNAME', content: 'CONTENT' }
};
const finding = (code: FindingCode, of: Finding['of'] = 'routing'): Finding => ({
	...{ code, of, blocks: true, params }
});

test('every code has its sentences in both languages', () => {
	expect(codes.length).toBeGreaterThan(25);
	for (const code of codes) {
		const es = findingSentence(finding(code), { locale: 'es' });
		const en = findingSentence(finding(code), { locale: 'en' });
		expect(es, code).not.toBe(en);
		for (const text of [es, en]) {
			expect(text, code).toMatch(/^\p{Lu}.*\.$/u);
			expect(text, code).not.toMatch(/[{}]|undefined/);
		}
	}
});

test.each([
	['leads_elsewhere', 'NAME lleva a otra parte: vemos FOUND. Cámbielo para que lleve a pki.goog'],
	['token_in_pieces', 'El código está repartido en 3 registros TXT de NAME.'],
	['caa_forbids', 'Añada ahí otro registro CAA: 0 issue "pki.goog".'],
	['certificate_expired', 'El certificado venció el 21 nov 2026.']
] as const)('%s says what we see and what to change', (code, part) => {
	expect(findingSentence(finding(code), { locale: 'es' })).toContain(part);
});

test('one code may mean two things', () => {
	const loop = findingSentence(finding('cname_loop', 'ownership'), { locale: 'en' });
	expect(loop).toContain('create the TXT record');
	const nobody = { ...finding('caa_forbids'), params: { ...params, found: ';' } };
	expect(findingSentence(nobody, { locale: 'en' })).toContain('lets nobody issue');
	const odd = { ...finding('certificate_expired'), params: { expires_at: 'soon' } };
	expect(findingSentence(odd, { locale: 'en' })).toContain('soon');
});

test('each refusal of a name says what to type instead', () => {
	const problems: HostnameProblem[] = [
		...(['empty', 'not_a_name', 'ip_address', 'wildcard', 'single_label', 'too_long'] as const),
		...(['public_suffix', 'own_name', 'reserved'] as const)
	];
	const texts = problems.map((code) => hostnameRefusal(code, { locale: 'es' }));
	expect(new Set(texts).size).toBe(problems.length);
	expect(hostnameRefusal('wildcard', { locale: 'en' })).toContain('each name by itself');
});
