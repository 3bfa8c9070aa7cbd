import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
	at,
	certificate,
	expected,
	find,
	right,
	seen,
	token,
	type Change
} from '../../../../tests/factories/domainSeen.ts';
import { diagnose, ownershipProven, routedHere } from './doctor.ts';
import type { Observed } from './domainTypes.ts';

describe('several things at once', () => {
	test('ownership comes before routing, and that before the rest', () => {
		const caa = { at: 'acme.com', issuers: ['digicert.com'] };
		const change: Change = {
			...at('192.0.2.7'),
			caa,
			ownership: { state: 'nodata', records: [] }
		};
		expect(find(change).map(({ code }) => code)).toEqual([
			...['token_missing', 'leads_elsewhere', 'caa_forbids']
		]);
		const both = { ...at('203.0.113.10', '192.0.2.7'), aaaa: ['2a00::5', '2001:DB8:0::10'] };
		expect(find(both).map(({ code, params }) => [code, params.found])).toEqual([
			['extra_address', '192.0.2.7'],
			['ipv6_elsewhere', '2a00::5']
		]);
	});

	test('an outage of the token alone says so, and what is known of the name is said as well', () => {
		const change: Change = {
			...at('192.0.2.7'),
			ownership: { state: 'unreachable', records: [] }
		};
		expect(find(change).map(({ code, of }) => [code, of])).toEqual([
			['dns_unreachable', 'ownership'],
			['leads_elsewhere', 'routing']
		]);
		const loop: Change = { ownership: { state: 'loop', records: [] } };
		expect(find(loop)).toMatchObject([{ code: 'cname_loop', of: 'ownership' }]);
	});

	test('who answers matters only where the name leads to us', () => {
		const wrong = { ...certificate, fits: false };
		const https = { kind: 'answered', status: 200, server: null, location: null } as const;
		const change = { ...at('192.0.2.7'), https: { ...https, certificate: wrong } };
		expect(find(change).map(({ code }) => code)).toEqual(['leads_elsewhere']);
	});

	test('redirects inside of a pair or to the platform are ours', () => {
		const https = { ...right.https, kind: 'answered', status: 307, server: null } as const;
		for (const location of ['https://www.acme.com/x', 'https://acme.sajet.us/web', '/web/login']) {
			const change = { https: { ...https, location, certificate } };
			expect(find(change, { hostname: 'acme.com', isApex: true })).toEqual([]);
		}
	});

	test('a certificate of somebody else is expected until ours is there', () => {
		const https = { ...right.https, kind: 'answered', status: 200 } as const;
		const change = {
			https: {
				...https,
				server: null,
				location: null,
				certificate: { ...certificate, fits: false }
			}
		};
		expect(find(change, { certificateExpected: false })).toEqual([]);
	});
});

describe('for anything that may be seen', () => {
	const name = fc.constantFrom('customers.sajet.us', 'x.fastly.net', 'a.acme.com', 'erp.acme.com');
	const address = fc.constantFrom('203.0.113.10', '192.0.2.7', '104.16.0.1', '91.195.240.1');
	const six = fc.constantFrom('2001:db8::10', '2001:0db8:0:0:0:0:0:10', '2606:4700::1', '2a00::1');
	const state = fc.constantFrom(
		...(['found', 'nxdomain', 'nodata', 'unreachable', 'bogus', 'loop'] as const)
	);
	const any = fc.record({
		address: state,
		a: fc.uniqueArray(address),
		aaaa: fc.uniqueArray(six),
		cnames: fc.uniqueArray(name),
		state,
		records: fc.array(fc.constantFrom(token, 'v=spf1', token.slice(0, 9), token.slice(9), '')),
		domain: state,
		issuers: fc.option(fc.uniqueArray(fc.constantFrom('pki.goog', 'digicert.com'))),
		isApex: fc.boolean()
	});
	const asSeen = (one: typeof any extends fc.Arbitrary<infer T> ? T : never): Observed =>
		seen({
			...{ address: one.address, a: one.a, aaaa: one.aaaa, cnames: one.cnames },
			...{ ownership: { state: one.state, records: one.records } },
			...{ domain: { name: 'acme.com', state: one.domain } },
			caa: one.issuers && { at: 'acme.com', issuers: one.issuers }
		});

	test('a fact that is proven has no finding that blocks it, and one that is not has one', () => {
		fc.assert(
			fc.property(any, (one) => {
				const observed = asSeen(one);
				const wanted = { ...expected, isApex: one.isApex };
				const findings = diagnose(observed, wanted);
				const whole = ['dnssec_broken', 'dns_unreachable', 'domain_unregistered'];
				const isWhole = whole.includes(findings[0]?.code ?? '') && findings.length === 1;
				const about = (of: string) => findings.filter((found) => found.of === of);
				if (!isWhole) {
					const routed = routedHere(observed, wanted);
					expect(about('ownership').length > 0).toBe(!ownershipProven(observed, wanted));
					expect(about('routing').length > 0).toBe(!routed);
				}
				for (const { params } of findings)
					for (const value of Object.values(params)) expect(value).not.toMatch(/undefined|null/);
			}),
			{ numRuns: 2000 }
		);
	});

	test('a token in pieces is known in any order', () => {
		const cut = fc
			.uniqueArray(fc.integer({ min: 1, max: token.length - 1 }), { minLength: 1, maxLength: 6 })
			.map((cuts) => [0, ...cuts.toSorted((a, b) => a - b), token.length])
			.map((ends) => ends.slice(1).map((end, index) => token.slice(ends[index], end)));
		const shuffled = cut.chain((pieces) =>
			fc.shuffledSubarray(pieces, { minLength: pieces.length, maxLength: pieces.length })
		);
		fc.assert(
			fc.property(shuffled, fc.boolean(), (pieces, quoted) => {
				const records = pieces.map((piece) => (quoted ? `"${piece}"` : piece));
				const [first] = find({ ownership: { records: [...records, 'v=spf1 -all'] } });
				expect(first).toMatchObject({ code: 'token_in_pieces' });
			})
		);
	});
});
