import { describe, expect, test } from 'vitest';
import { m } from '#i18n/paraglide/messages.js';
import { certificateSentence, type FactColumns, factsOf, type FactsMore } from './domainFacts.ts';

const fresh: FactColumns = {
	...{ status: 'pending', driver: 'custom_hostname', hostname: 'erp.acme.com' },
	...{ verificationName: '_erp-verify.erp.acme.com', verifiedAt: null, unprovenSince: null },
	...{ routedAt: null, certificate: 'none', certificateIssuer: null, certificateExpiresAt: null },
	...{ hostnameStatus: null, hostnameSslStatus: null, configuredAt: null, published: false },
	...{ seenAt: null, brokenAt: null }
};
const nothing: FactsMore = { applied: null, blocked: new Set(), graceUntil: null };
const at = new Date('2026-11-20T10:00:00Z');
const works: Partial<FactColumns> = {
	...{ status: 'active', verifiedAt: at, routedAt: at, certificate: 'active', published: true },
	...{ certificateExpiresAt: new Date('2027-02-01T00:00:00Z'), configuredAt: at, seenAt: at }
};
const states = (domain: Partial<FactColumns>, more: Partial<FactsMore> = {}) =>
	factsOf({ ...fresh, ...domain }, { ...nothing, ...more }).map(({ state }) => state);

describe('the checklist', () => {
	test('of a new domain waits for everything, and makes no moment up', () => {
		const facts = factsOf(fresh, nothing);
		expect(facts.map(({ key }) => key)).toEqual([
			...['ownership', 'routing', 'certificate', 'rule', 'answer']
		]);
		expect(facts.map(({ state }) => state)).toEqual(Array(5).fill('pending'));
		expect(facts.every(({ since, until }) => since === null && until === null)).toBe(true);
	});

	test('of one that works says since when', () => {
		const facts = factsOf({ ...fresh, ...works }, { ...nothing, applied: true });
		expect(facts.map(({ state }) => state)).toEqual(Array(5).fill('done'));
		expect(facts[0]).toMatchObject({ since: at.toISOString(), until: null });
		expect(facts[2]).toMatchObject({ since: null, until: '2027-02-01T00:00:00.000Z' });
	});

	test('shows at once what a newer look saw', () => {
		expect(states({}, { live: { proven: true, routed: true } })).toEqual([
			...['running', 'running', 'pending', 'pending', 'pending']
		]);
		// Somebody else's name is not theirs for its token being there.
		const taken = { live: { proven: true, routed: false }, blocked: new Set(['ownership']) };
		expect(states({ status: 'error' }, taken)[0]).toBe('failed');
	});

	test('a token that went away is said with the day until which it counts', () => {
		const graceUntil = new Date('2026-11-27T10:00:00Z');
		const [ownership] = factsOf(
			{ ...fresh, ...works, unprovenSince: at },
			{ ...nothing, graceUntil }
		);
		expect(ownership).toMatchObject({
			...{ state: 'failed', since: at.toISOString(), until: graceUntil.toISOString() }
		});
		expect(ownership?.sentence).toContain('_erp-verify.erp.acme.com');
	});

	test('one that broke fails where it stopped', () => {
		const broken = { ...works, status: 'error' as const, routedAt: null, brokenAt: at };
		expect(states(broken, { blocked: new Set(['routing']), applied: true })).toEqual([
			...['done', 'failed', 'done', 'done', 'failed']
		]);
	});

	test('a rule on its way is not a rule that stands', () => {
		expect(states({ published: true }, { applied: false })[3]).toBe('running');
		expect(states({ published: true, status: 'inactive' })[3]).toBe('pending');
	});
});

describe('both of Cloudflare’s states in one sentence', () => {
	const sentence = (hostnameStatus: string | null, hostnameSslStatus: string | null) =>
		certificateSentence({
			...{ driver: 'custom_hostname', certificate: 'pending', certificateIssuer: null },
			...{ hostnameStatus, hostnameSslStatus }
		});
	test.each([
		['pending', 'initializing', m.domains_certificate_ordered()],
		['pending', 'pending_validation', m.domains_certificate_validating()],
		['active', 'pending_validation', m.domains_certificate_validating()],
		['pending', 'pending_issuance', m.domains_certificate_issuing()],
		['active', 'pending_deployment', m.domains_certificate_deploying()],
		['pending', 'active', m.domains_certificate_hostname_pending()],
		['blocked', 'active', m.domains_certificate_blocked()],
		['moved', 'active', m.domains_certificate_moved()],
		['active', 'validation_timed_out', m.domains_certificate_timed_out()],
		['active', 'expired', m.domains_certificate_expired_sentence()],
		['something_new', 'something_new', m.domains_certificate_ordered()],
		[null, null, m.domains_certificate_ordered()]
	])('%s and %s', (hostname, ssl, words) => {
		expect(sentence(hostname, ssl)).toBe(words);
	});

	test('names who issued it, and other ways in have no hostname', () => {
		const active = {
			certificate: 'active',
			hostnameStatus: null,
			hostnameSslStatus: null
		} as const;
		const by = (driver: 'edge' | 'custom_hostname', certificateIssuer: string | null) =>
			certificateSentence({ ...active, driver, certificateIssuer });
		expect(by('custom_hostname', 'GoogleTrustServices')).toContain('Google Trust Services');
		expect(by('edge', "Let's Encrypt R11")).toContain("Let's Encrypt R11");
		expect(by('edge', null)).toBe(m.domains_certificate_there());
	});
});
