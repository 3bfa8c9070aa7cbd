import { describe, expect, it } from 'vitest';
import { LINKS, contentOf, isMailTemplate, subjectOf, textOf } from './content.ts';
import { DUNNING_TONES, type DunningNotice } from './dunning.ts';
import { SECURITY_EVENTS, type SecurityNotice } from './security.ts';

const DATA = {
	name: 'Ana',
	company: 'Acme & Hijos',
	sentence: 'El nodo pve2 no responde.',
	url: 'https://acme.sajet.us',
	plan: 'Pro',
	amount: 'USD 49.00',
	subdomain: 'acme',
	purgeOn: '1 de enero',
	by: 'jefa@acme.example',
	invitation: 'abc',
	at: '3 nov, 10:20',
	downtime: '3 min',
	copy: { at: '3 nov, 10:15', age: '5 min' }
};
const PLACES = {
	portal: 'https://erp.example/tenant/portal',
	reset: 'https://erp.example/reset',
	link: 'https://erp.example/reset/a.b',
	contact: 'ayuda@erp.example',
	zone: 'America/Guayaquil'
};
const TEMPLATES = [
	'welcome',
	'welcome_back',
	'payment_link',
	'invitation',
	'set_password',
	'reset_password',
	'waiting_capacity',
	'refunded',
	'failed_over',
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

const NOTICE: SecurityNotice = {
	...{ name: 'Ana', email: 'ana@acme.example', event: 'password_changed', by: 'person' },
	...{ at: '2026-11-21T03:12:50Z', timezone: null, device: 'Firefox · Linux', ip: '203.0.113.7' },
	about: 'lo-nuevo'
};

describe.each(SECURITY_EVENTS)('the mail of %s', (event) => {
	it.each(['es', 'en'] as const)('says in %s what, when, from where and what to do', (locale) => {
		const data = { ...NOTICE, event };
		const content = contentOf('security', data, PLACES, locale);
		const text = textOf(content, locale);
		expect(content.subject).toBe(subjectOf('security', data, locale));
		// Guayaquil is five hours behind: still the day before.
		for (const fact of ['Ana', 'ana@acme.example', '20', '2026', '203.0.113.7', 'Firefox · Linux'])
			expect(text).toContain(fact);
		expect(text).not.toMatch(/\{\w+\}|undefined|mail_/);
		if (event === 'email_changed') expect(content.action).toBeUndefined();
		else expect(content.action?.url).toBe(PLACES.reset);
		const other = locale === 'es' ? 'en' : 'es';
		expect(text).not.toBe(textOf(contentOf('security', data, PLACES, other), other));
	});
});

it('names no device and no address of staff or of the console, and asks to write to us', () => {
	for (const by of ['staff', 'console'] as const) {
		const data: SecurityNotice = { ...NOTICE, event: 'sessions_ended', by };
		const text = textOf(contentOf('security', data, PLACES, 'en'), 'en');
		expect(text).toContain(by === 'staff' ? 'administration team' : 'console');
		expect(text).toContain(PLACES.contact);
		expect(text).not.toContain('203.0.113.7');
	}
	const unknown = contentOf('security', { ...NOTICE, device: null }, PLACES, 'en');
	expect(textOf(unknown, 'en')).toContain('Unknown device');
});

const LATE: DunningNotice = {
	...{ name: 'Ana', company: 'Acme', instances: ['acme', 'acme-2'], tone: 'friendly' },
	...{ amount: 4_900, currency: 'usd', url: 'https://erp.example/pay/x' },
	...{ nextAct: 'suspend', nextAt: '2026-11-21T03:12:50Z', skipped: null }
};

describe.each(DUNNING_TONES)('the mail about a late payment, %s', (tone) => {
	it.each(['es', 'en'] as const)(
		'says in %s how much, what comes next and where to pay',
		(locale) => {
			const done = tone === 'restored' || tone === 'delete';
			const data = { ...LATE, tone, ...(done && { nextAct: null, nextAt: null }) };
			const content = contentOf('dunning', data, PLACES, locale);
			const text = textOf(content, locale);
			expect(content.subject).toBe(subjectOf('dunning', data, locale));
			expect(text).not.toMatch(/\{\w+\}|undefined|mail_/);
			expect(text).toContain('Acme');
			expect(text).toContain('acme-2');
			expect(content.action?.url).toBe(done ? PLACES.portal : LATE.url);
			// Guayaquil is five hours behind: still the day before.
			if (!done) expect(text).toContain('20');
			if (tone !== 'restored') expect(text).toMatch(/49[.,]00/);
			const other = locale === 'es' ? 'en' : 'es';
			expect(text).not.toBe(textOf(contentOf('dunning', data, PLACES, other), other));
		}
	);
});
