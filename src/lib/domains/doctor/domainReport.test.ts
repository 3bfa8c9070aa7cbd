import { describe, expect, test } from 'vitest';
import { reportOf, type ReportInput, type SeenRow } from './domainReport.ts';
import type { Finding, Observed } from './domainTypes.ts';

const TOKEN = 'erp-verify=abc';
const seen: Observed = {
	...{ at: '2026-11-20T10:00:00.000Z', hostname: 'erp.acme.com', address: 'found' },
	...{ a: ['104.16.0.1'], aaaa: [], cnames: ['customers.sajet.us'] },
	ownership: { name: '_erp-verify.erp.acme.com', state: 'found', records: [TOKEN] },
	...{ caa: null, nameservers: ['ns1.registrar.test'], https: null }
};
const input: ReportInput = {
	...{ hostname: 'erp.acme.com', verificationName: '_erp-verify.erp.acme.com' },
	...{ verificationToken: TOKEN, observed: seen, findings: [], proven: true, routed: true },
	records: [
		{ purpose: 'routing', type: 'CNAME', name: 'erp.acme.com', value: 'customers.sajet.us' }
	]
};
const report = (more: Partial<ReportInput> = {}) =>
	Object.fromEntries(reportOf({ ...input, ...more }).map((row) => [row.key, row])) as Record<
		SeenRow['key'],
		SeenRow
	>;
const finding = (code: Finding['code'], params = {}): Finding => ({
	...{ code, of: 'routing', blocks: true, params }
});

describe('what is seen next to what should be there', () => {
	test('everything right', () => {
		const rows = report();
		expect(rows.txt).toMatchObject({ seen: [TOKEN], wanted: [TOKEN], state: 'right' });
		expect(rows.cname).toMatchObject({ seen: ['customers.sajet.us'], state: 'right' });
		expect(rows.a).toMatchObject({ seen: ['104.16.0.1'], state: 'right', wanted: [] });
		expect(rows.a.wantedNote).toContain('customers.sajet.us');
		expect(rows.caa).toMatchObject({ seen: [], state: 'right' });
	});

	test('nothing is made up where nobody looked, or nobody answered', () => {
		expect(reportOf({ ...input, observed: null })).toEqual([]);
		const silent: Observed = {
			...{ ...seen, address: 'unreachable', a: [], cnames: [], nameservers: [] },
			ownership: { ...seen.ownership, state: 'unreachable', records: [] }
		};
		const rows = report({ observed: silent, routed: false, proven: false });
		for (const key of ['txt', 'cname', 'a', 'aaaa', 'caa', 'nameservers', 'https'] as const) {
			expect(rows[key], key).toMatchObject({ seen: [], state: 'unknown' });
			expect(rows[key].note, key).toBeTruthy();
		}
		expect(rows.certificate).toBeUndefined();
	});

	test('where the record is ours to set, the page says so instead of asking for nothing', () => {
		const rows = report({ records: [], observed: { ...seen, cnames: [] } });
		for (const key of ['cname', 'a', 'aaaa'] as const) {
			expect(rows[key].wanted, key).toEqual([]);
			expect(rows[key].wantedNote, key).toBe('Lo pone la plataforma en su zona');
		}
		expect(rows.a.state).toBe('right');
		expect(rows.txt.wanted).toEqual([TOKEN]);
	});

	test('a finding marks the row that it is about', () => {
		const elsewhere = { ...seen, a: ['203.0.113.9'], cnames: [] };
		const rows = report({
			...{ observed: elsewhere, routed: false },
			findings: [finding('leads_elsewhere', { found: '203.0.113.9' })]
		});
		expect(rows.a.state).toBe('wrong');
		expect(rows.cname).toMatchObject({ state: 'wrong', seen: [], wanted: ['customers.sajet.us'] });
		expect(rows.txt.state).toBe('right');
	});

	test('CAA that forbids names who has to be allowed', () => {
		const caa = { at: 'acme.com', issuers: ['digicert.com'] };
		const rows = report({
			observed: { ...seen, caa },
			findings: [finding('caa_forbids', { wanted: 'pki.goog, letsencrypt.org' })]
		});
		expect(rows.caa).toMatchObject({
			...{ name: 'acme.com', seen: ['digicert.com'], state: 'wrong', wantedNote: null },
			wanted: ['pki.goog', 'letsencrypt.org']
		});
	});

	test('what answers is shown with its certificate, and with its age when it is older', () => {
		const certificate = {
			...{ issuer: 'R11', names: ['erp.acme.com'], expiresAt: '2027-01-01T00:00:00Z', fits: true }
		};
		const https = { kind: 'answered', status: 200, server: 'cloudflare', location: null } as const;
		const rows = report({
			observed: { ...seen, https: { ...https, certificate } },
			answerAt: '2026-11-20T09:00:00.000Z'
		});
		expect(rows.https).toMatchObject({
			...{ seen: ['200 · cloudflare'], state: 'right', at: '2026-11-20T09:00:00.000Z' }
		});
		expect(rows.certificate).toMatchObject({ seen: ['R11', 'erp.acme.com'], state: 'right' });
	});

	test('an error that answers is not called right, whatever else is', () => {
		const https = { kind: 'answered', status: 409, server: 'cloudflare', location: null } as const;
		const rows = report({ observed: { ...seen, https: { ...https, certificate: null } } });
		expect(rows.https).toMatchObject({ seen: ['409 · cloudflare'], state: 'neutral' });
	});

	test('an apex that is flattened shows addresses, and no CNAME is missed', () => {
		const rows = report({
			...{ hostname: 'acme.com', observed: { ...seen, hostname: 'acme.com', cnames: [] } },
			records: [
				{ purpose: 'routing', type: 'ALIAS', name: 'acme.com', value: 'customers.sajet.us' }
			]
		});
		expect(rows.cname.state).toBe('neutral');
		expect(rows.a.state).toBe('right');
	});
});
