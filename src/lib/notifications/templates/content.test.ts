import { describe, expect, it } from 'vitest';
import { LINKS, contentOf, isMailTemplate, subjectOf, textOf } from './content.ts';

const DATA = {
	name: 'Ana',
	company: 'Acme & Hijos',
	url: 'https://acme.sajet.us',
	plan: 'Pro',
	amount: 'USD 49.00',
	subdomain: 'acme',
	purgeOn: '1 de enero'
};
const PLACES = {
	portal: 'https://erp.example/tenant/portal',
	link: 'https://erp.example/reset/a.b'
};
const TEMPLATES = [
	'welcome',
	'welcome_back',
	'payment_link',
	'set_password',
	'reset_password',
	'waiting_capacity',
	'refunded',
	'instance_deleted'
] as const;

describe.each(TEMPLATES)('the mail %s', (template) => {
	it.each(['es', 'en'] as const)('is written out in %s', (locale) => {
		expect(isMailTemplate(template)).toBe(true);
		const content = contentOf(template, DATA, PLACES, locale);
		const text = textOf(content, locale);
		expect(content.subject).toBe(subjectOf(template, DATA, locale));
		expect(text).toContain('Ana');
		expect(text).not.toMatch(/\{\w+\}|undefined|mail_/);
		if (LINKS[template]) expect(content.action?.url).toBe(PLACES.link);
		const other = contentOf(template, DATA, PLACES, locale === 'es' ? 'en' : 'es');
		expect(text).not.toBe(textOf(other, locale === 'es' ? 'en' : 'es'));
	});
});

it('refuses data that is not the template’s', () => {
	expect(() => contentOf('refunded', { name: 'Ana' }, PLACES, 'es')).toThrow();
	expect(isMailTemplate('toString')).toBe(false);
});
