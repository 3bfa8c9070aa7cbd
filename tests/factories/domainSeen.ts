import { diagnose } from '#lib/domains/doctor/doctor.ts';
import type {
	CertificateSeen,
	Expected,
	Finding,
	Observed
} from '#lib/domains/doctor/domainTypes.ts';

/** What was asked to be set. */
export const token = 'erp-verify=0123456789abcdef0123456789abcdef01234567';
export const expected: Expected = {
	hostname: 'erp.acme.com',
	isApex: false,
	verificationName: '_erp-verify.erp.acme.com',
	verificationToken: token,
	target: 'customers.sajet.us',
	addresses: ['203.0.113.10', '2001:db8::10'],
	authorities: ['pki.goog', 'letsencrypt.org'],
	certificateExpected: true
};
export const certificate: CertificateSeen = {
	...{ issuer: 'Google Trust Services', names: ['erp.acme.com'], fits: true },
	expiresAt: '2027-01-01T00:00:00.000Z'
};
/** A domain that is as it should be. */
export const right: Observed = {
	at: '2026-11-22T00:00:00.000Z',
	hostname: 'erp.acme.com',
	address: 'found',
	a: ['203.0.113.10'],
	aaaa: ['2001:db8::10'],
	cnames: ['customers.sajet.us'],
	ownership: {
		...{ name: '_erp-verify.erp.acme.com', state: 'found', records: [token], elsewhere: [] }
	},
	domain: { name: 'acme.com', state: 'found' },
	caa: null,
	nameservers: ['ns1.registrar.test'],
	https: { kind: 'answered', status: 200, server: 'nginx', location: null, certificate }
};
export type Change = Partial<Omit<Observed, 'ownership'>> & {
	ownership?: Partial<Observed['ownership']>;
};
export const seen = ({ ownership, ...change }: Change): Observed => ({
	...right,
	...change,
	ownership: { ...right.ownership, ...ownership }
});
/** What the doctor says when this is different. */
export const find = (change: Change, other: Partial<Expected> = {}): Finding[] =>
	diagnose(seen(change), { ...expected, ...other });
/** The name leads to these addresses by itself. */
export const at = (...a: string[]): Change => ({ a, aaaa: [], cnames: [], https: null });
