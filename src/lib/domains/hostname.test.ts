import { domainToUnicode } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseHostname } from './hostname.ts';
import { toUnicode } from './punycode.ts';

const own = {
	baseDomains: ['sajet.us', 'Triboka.com'],
	reserved: ['panel.example.com', '*.adopted.com']
};
const parse = (input: string) => parseHostname(input, own);

describe('what is taken', () => {
	test.each([
		['acme.com', 'acme.com'],
		['  ACME.Com. ', 'acme.com'],
		['https://erp.acme.com/web/login?db=x#top', 'erp.acme.com'],
		['http://user:secret@erp.acme.com:8069/', 'erp.acme.com'],
		['//erp.acme.com/web', 'erp.acme.com'],
		['erp.acme.com/', 'erp.acme.com'],
		['erp.acme.com:443', 'erp.acme.com'],
		['acme。com', 'acme.com'],
		['acme．com．', 'acme.com'],
		['ａｃｍｅ.com', 'acme.com'],
		['\u200bacme.com\ufeff', 'acme.com'],
		['Ñandú.com.ec', 'xn--and-6ma2c.com.ec'],
		['xn--and-6ma2c.com.ec', 'xn--and-6ma2c.com.ec'],
		['MÜNCHEN.de', 'xn--mnchen-3ya.de'],
		['3com.com', '3com.com']
	])('%s', (input, hostname) => {
		expect(parse(input)).toMatchObject({ ok: true, hostname });
	});

	test.each([
		['acme.com', true, 'acme.com', 'www.acme.com'],
		['www.acme.com', false, 'acme.com', 'acme.com'],
		['erp.acme.com', false, 'acme.com', null],
		['www.erp.acme.com', false, 'acme.com', null],
		['acme.com.ec', true, 'acme.com.ec', 'www.acme.com.ec'],
		['www.acme.gob.ar', false, 'acme.gob.ar', 'acme.gob.ar'],
		['acme.us.com', true, 'acme.us.com', 'www.acme.us.com'],
		['a.b.c.acme.co.uk', false, 'acme.co.uk', null]
	])('%s: apex %s of %s, with %s', (input, isApex, registrable, sibling) => {
		expect(parse(input)).toMatchObject({ ok: true, isApex, registrable, sibling });
	});

	test('is shown as people read it', () => {
		expect(parse('ÑANDÚ.com.ec')).toMatchObject({ unicode: 'ñandú.com.ec' });
		expect(parse('xn--fiqs8s.com')).toMatchObject({ unicode: '中国.com' });
	});
});

describe('what is refused', () => {
	test.each([
		['', 'empty'],
		['   ', 'empty'],
		['https://', 'empty'],
		['acme com', 'not_a_name'],
		['ventas@acme.com', 'not_a_name'],
		['acme..com', 'not_a_name'],
		['.acme.com', 'not_a_name'],
		['-acme.com', 'not_a_name'],
		['_erp.acme.com', 'not_a_name'],
		['a%2eb.com', 'not_a_name'],
		['xn--a.com', 'not_a_name'],
		['acme.com:x', 'not_a_name'],
		['192.168.1.10', 'ip_address'],
		['http://10.0.0.5:8069/web', 'ip_address'],
		['0x7f.1', 'ip_address'],
		['[2001:db8::1]', 'ip_address'],
		['2001:db8::1', 'ip_address'],
		['*.acme.com', 'wildcard'],
		['https://*.acme.com/', 'wildcard'],
		['erp.*.com', 'wildcard'],
		['acme', 'single_label'],
		['localhost', 'single_label'],
		[`${'a'.repeat(64)}.com`, 'too_long'],
		[`${'abcdefghi.'.repeat(26)}com`, 'too_long'],
		['com.ec', 'public_suffix'],
		['gob.ar', 'public_suffix'],
		['github.io', 'public_suffix'],
		['sajet.us', 'own_name'],
		['x.y.SAJET.us', 'own_name'],
		['triboka.com', 'own_name'],
		['panel.example.com', 'own_name'],
		['any.adopted.com', 'own_name'],
		['x.cfargotunnel.com', 'own_name'],
		['abc.trycloudflare.com', 'own_name'],
		['printer.local', 'reserved'],
		['db.internal', 'reserved'],
		['x.localhost', 'reserved'],
		['1.0.0.127.in-addr.arpa', 'reserved'],
		['facebook.onion', 'reserved']
	])('%s: %s', (input, code) => {
		expect(parse(input)).toEqual({ ok: false, code });
	});

	test('only names that end in ours are ours', () => {
		for (const name of ['notsajet.us', 'sajet.us.com', 'sub.panel.example.com', 'adopted.com']) {
			expect(parse(name)).toMatchObject({ ok: true });
		}
	});
});

describe('for any name', () => {
	const label = fc
		.array(fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz0123456789ñáüçß中文क'), {
			minLength: 1,
			maxLength: 20
		})
		.map((chars) => chars.join(''));
	const name = fc
		.tuple(fc.array(label, { minLength: 1, maxLength: 4 }), fc.constantFrom('com', 'com.ec', 'io'))
		.map(([labels, suffix]) => `${labels.join('.')}.${suffix}`);

	test('reading it again changes nothing, in either form', () => {
		fc.assert(
			fc.property(name, (input) => {
				const once = parse(input);
				if (!once.ok) return;
				expect(parse(once.hostname)).toEqual(once);
				expect(parse(once.unicode)).toEqual(once);
				expect(parse(`HTTPS://${once.unicode.toUpperCase()}./x`)).toMatchObject({ ok: true });
				expect(once.hostname).toMatch(/^[a-z0-9.-]+$/);
				expect(once.hostname.endsWith(once.registrable)).toBe(true);
				expect(once.isApex).toBe(once.hostname === once.registrable);
			})
		);
	});

	test('punycode is decoded as the platform does', () => {
		fc.assert(
			fc.property(name, (input) => {
				const read = parse(input);
				if (read.ok) expect(toUnicode(read.hostname)).toBe(domainToUnicode(read.hostname));
			})
		);
	});

	test('a sibling leads back', () => {
		fc.assert(
			fc.property(name, (input) => {
				const read = parse(input);
				if (!read.ok || read.sibling === null) return;
				expect(parse(read.sibling)).toMatchObject({ ok: true, sibling: read.hostname });
			})
		);
	});

	test('whatever is typed gets an answer', () => {
		fc.assert(
			fc.property(fc.string({ unit: 'binary' }), (input) => {
				const read = parse(input);
				if (read.ok) expect(parse(read.hostname)).toEqual(read);
				else expect(read.code).toMatch(/^[a-z_]+$/);
			})
		);
	});
});
