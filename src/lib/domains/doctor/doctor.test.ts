import { describe, expect, test } from 'vitest';
import {
	at,
	certificate,
	find,
	token,
	type Change
} from '../../../../tests/factories/domainSeen.ts';
import type { Expected, FindingCode } from './domainTypes.ts';

test('nothing is said of a domain that is right', () => {
	expect(find({})).toEqual([]);
	expect(find({ https: null, caa: { at: 'acme.com', issuers: ['pki.goog'] } })).toEqual([]);
	expect(find({ cnames: [] })).toEqual([]);
	expect(find({ ownership: { records: ['other', ` "${token}" `] } })).toEqual([]);
});

describe('the one thing to change', () => {
	const cases: [FindingCode, string, Change, Record<string, string>, Partial<Expected>?][] = [
		[
			'token_missing',
			'ownership',
			{ ownership: { state: 'nxdomain', records: [] } },
			{ name: '_erp-verify.erp.acme.com', token }
		],
		['token_missing', 'ownership', { ownership: { state: 'nodata', records: [] } }, { token }],
		[
			'token_other',
			'ownership',
			{ ownership: { records: ['v=spf1 -all'] } },
			{ found: 'v=spf1 -all' }
		],
		[
			'token_in_pieces',
			'ownership',
			{ ownership: { records: [token.slice(30), token.slice(0, 20), token.slice(20, 30)] } },
			{ records: '3' }
		],
		[
			'token_misplaced',
			'ownership',
			{
				ownership: {
					...{ state: 'nxdomain', records: [] },
					elsewhere: [
						{ name: 'acme.com', records: ['v=spf1 -all'] },
						{ name: '_erp-verify.erp.acme.com.acme.com', records: [token] }
					]
				}
			},
			{ found: '_erp-verify.erp.acme.com.acme.com' }
		],
		[
			'domain_unregistered',
			'routing',
			{
				...at(),
				address: 'nxdomain',
				domain: { name: 'acme.com', state: 'nxdomain' },
				ownership: { state: 'nxdomain', records: [] }
			},
			{ domain: 'acme.com' }
		],
		[
			'name_missing',
			'routing',
			{ ...at(), address: 'nxdomain' },
			{ name: 'erp.acme.com', wanted: 'customers.sajet.us' }
		],
		[
			'no_address',
			'routing',
			{ ...at(), address: 'nodata' },
			{ name: 'erp.acme.com', wanted: 'customers.sajet.us' }
		],
		[
			'leads_elsewhere',
			'routing',
			at('151.101.1.195', '151.101.65.195'),
			{ found: '151.101.1.195 (Fastly), 151.101.65.195 (Fastly)', wanted: 'customers.sajet.us' }
		],
		[
			'leads_elsewhere',
			'routing',
			{ ...at('192.0.2.7'), cnames: ['hosting.example.net'] },
			{ found: 'hosting.example.net' }
		],
		[
			'leads_elsewhere',
			'routing',
			{ ...at('185.199.108.153'), cnames: ['acme.github.io'] },
			{ found: 'acme.github.io (GitHub Pages)' }
		],
		[
			'leads_elsewhere',
			'routing',
			at('192.0.2.7'),
			{ wanted: '203.0.113.10, 2001:db8::10' },
			{ isApex: true }
		],
		['extra_address', 'routing', at('203.0.113.10', '192.0.2.7'), { found: '192.0.2.7' }],
		[
			'ipv6_elsewhere',
			'routing',
			{ ...at('203.0.113.10'), aaaa: ['2a00:1450::5'] },
			{ found: '2a00:1450::5' }
		],
		['behind_proxy', 'routing', at('104.21.5.6', '172.67.1.1'), { provider: 'Cloudflare' }],
		[
			'behind_proxy',
			'routing',
			{ ...at(), aaaa: ['2606:4700:3030::1'] },
			{ provider: 'Cloudflare' }
		],
		['behind_proxy', 'routing', at('192.88.134.9'), { provider: 'Sucuri' }],
		[
			'behind_proxy',
			'routing',
			{ ...at('192.0.2.7'), cnames: ['j.sni.global.fastly.net'] },
			{ provider: 'Fastly' }
		],
		[
			'behind_proxy',
			'routing',
			{ ...at('76.76.21.61'), cnames: ['cname.vercel-dns.com'] },
			{ provider: 'Vercel' }
		],
		[
			'behind_proxy',
			'routing',
			{
				...at('192.0.2.7'),
				https: {
					...{ kind: 'answered', status: 200, server: 'Netlify', location: null },
					certificate: null
				}
			},
			{ provider: 'Netlify' }
		],
		['parked', 'routing', at('91.195.240.94'), { provider: 'Sedo' }],
		[
			'parked',
			'routing',
			{ ...at('192.0.2.7'), nameservers: ['ns1.bodis.com', 'ns2.bodis.com'] },
			{ provider: 'Bodis' }
		],
		[
			'parked',
			'routing',
			{
				...at('198.51.100.1'),
				https: {
					...{ kind: 'answered', status: 200, server: 'Parking/1.0', location: null },
					certificate: null
				}
			},
			{ provider: 'Parking/1.0' }
		],
		[
			'cname_loop',
			'routing',
			{ ...at(), address: 'loop', cnames: ['b.acme.com', 'erp.acme.com'] },
			{ found: 'erp.acme.com → b.acme.com → erp.acme.com' }
		],
		[
			'cname_dangling',
			'routing',
			{ ...at(), address: 'nxdomain', cnames: ['shop.acme.com', 'gone.example.net'] },
			{ found: 'gone.example.net' }
		],
		['dnssec_broken', 'routing', { ...at(), address: 'bogus' }, { domain: 'acme.com' }],
		[
			'dnssec_broken',
			'routing',
			{ ownership: { state: 'bogus', records: [] } },
			{ domain: 'acme.com' }
		],
		[
			'dns_unreachable',
			'routing',
			{
				...{ ...at(), address: 'unreachable', reason: 'ESERVFAIL' },
				ownership: { state: 'unreachable', records: [] }
			},
			{ reason: 'ESERVFAIL', domain: 'acme.com' }
		],
		[
			'dns_unreachable',
			'routing',
			{ ...at(), address: 'unreachable', reason: 'ETIMEOUT' },
			{ reason: 'ETIMEOUT' }
		],
		[
			'caa_forbids',
			'certificate',
			{ caa: { at: 'acme.com', issuers: ['digicert.com', 'sectigo.com'] } },
			{ at: 'acme.com', found: 'digicert.com, sectigo.com', wanted: 'pki.goog, letsencrypt.org' }
		],
		['caa_forbids', 'certificate', { caa: { at: 'acme.com', issuers: [] } }, { found: ';' }],
		[
			'certificate_other',
			'certificate',
			{ https: { ...answered(), certificate: { ...certificate, fits: false, names: ['x.com'] } } },
			{ issuer: 'Google Trust Services', names: 'x.com' }
		],
		[
			'certificate_expired',
			'certificate',
			{
				https: {
					...{ kind: 'unreachable', reason: 'lost' },
					certificate: { ...certificate, fits: false, expiresAt: '2026-11-21T23:00:00.000Z' }
				}
			},
			{ expires_at: '2026-11-21T23:00:00.000Z' }
		],
		[
			'answer_other',
			'answer',
			{ https: { ...answered(), location: 'https://www.sedoparking.com/acme.com' } },
			{ detail: 'Sedo' }
		],
		[
			'answer_other',
			'answer',
			{ https: { ...answered(), location: 'https://otro.example.org/' } },
			{ detail: 'https://otro.example.org/' }
		]
	];
	function answered() {
		const answer = { status: 302, server: null, location: null, certificate };
		return { kind: 'answered' as const, ...answer };
	}

	test.each(cases)('%s', (code, of, change, params, other = {}) => {
		const [first, ...rest] = find(change, other);
		expect(first).toMatchObject({ code, of, params });
		expect(rest).toEqual([]);
	});

	test('what passes by itself, or matters later, does not block', () => {
		const blocks = (change: Change, other: Partial<Expected> = {}) =>
			find(change, other)[0]?.blocks;
		const caa = { at: 'acme.com', issuers: ['digicert.com'] };
		expect(blocks({ caa })).toBe(false);
		expect(blocks({ caa }, { certificateExpected: false })).toBe(true);
		expect(blocks({ ...at(), address: 'unreachable' })).toBe(false);
		expect(blocks({ ...at(), address: 'nxdomain' })).toBe(true);
	});
});
