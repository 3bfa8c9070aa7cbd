import { m } from '#i18n/paraglide/messages.js';
import type { CustomDomain } from '#prisma/generated/client.ts';

export type FactKey = 'ownership' | 'routing' | 'certificate' | 'rule' | 'answer';

/** One thing that has to be so before a domain works. Times are ISO, so that it is the same over JSON. */
export interface Fact {
	key: FactKey;
	label: string;
	/** `pending`: it comes by itself or with a record · `failed`: a person has to change something. */
	state: 'done' | 'running' | 'pending' | 'failed';
	sentence: string;
	/** Since when it has been so; null: not known, or not so. */
	since: string | null;
	/** Until when it holds. */
	until: string | null;
}

/** The columns that the checklist is read from. */
export type FactColumns = Pick<
	CustomDomain,
	| 'status'
	| 'driver'
	| 'hostname'
	| 'verificationName'
	| 'verifiedAt'
	| 'unprovenSince'
	| 'routedAt'
	| 'certificate'
	| 'certificateIssuer'
	| 'certificateExpiresAt'
	| 'hostnameStatus'
	| 'hostnameSslStatus'
	| 'configuredAt'
	| 'published'
	| 'seenAt'
	| 'brokenAt'
>;

export interface FactsMore {
	/** The rule is in the tunnel or on the edge, as read back; null: not asked. */
	applied: boolean | null;
	/** A look that is newer than the row. */
	live?: { proven: boolean; routed: boolean };
	/** What somebody has to change stands in the way of these. */
	blocked: ReadonlySet<string>;
	/** When a token that went away stops to count. */
	graceUntil: Date | null;
}

/** What has to be so, in the order in which it comes about. */
export function factsOf(domain: FactColumns, more: FactsMore): Fact[] {
	return [
		ownership(domain, more),
		routing(domain, more),
		certificateFact(domain, more),
		rule(domain, more),
		answer(domain, more)
	];
}

type Told = Pick<Fact, 'state' | 'sentence'> & { since?: Date | null; until?: Date | null };

function fact(key: FactKey, label: string, { since, until, ...told }: Told): Fact {
	return {
		...{ key, label, ...told },
		since: since?.toISOString() ?? null,
		until: until?.toISOString() ?? null
	};
}

function ownership(domain: FactColumns, { live, blocked, graceUntil }: FactsMore): Fact {
	const label = m.domains_fact_ownership();
	const name = domain.verificationName;
	const { verifiedAt, unprovenSince } = domain;
	if (verifiedAt && unprovenSince) {
		const sentence = m.domains_fact_ownership_gone({ name });
		return fact('ownership', label, {
			...{ state: 'failed', sentence, since: unprovenSince, until: graceUntil }
		});
	}
	if (verifiedAt)
		return fact('ownership', label, {
			...{ state: 'done', sentence: m.domains_fact_ownership_done(), since: verifiedAt }
		});
	if (live?.proven && !blocked.has('ownership'))
		return fact('ownership', label, { state: 'running', sentence: m.domains_fact_just_seen() });
	const state = isRed(domain) && blocked.has('ownership') ? 'failed' : 'pending';
	return fact('ownership', label, { state, sentence: m.domains_fact_ownership_waits({ name }) });
}

function routing(domain: FactColumns, { live, blocked }: FactsMore): Fact {
	const label = m.domains_fact_routing();
	const { hostname, routedAt } = domain;
	if (routedAt)
		return fact('routing', label, {
			...{ state: 'done', sentence: m.domains_fact_routing_done({ hostname }), since: routedAt }
		});
	if (live?.routed)
		return fact('routing', label, { state: 'running', sentence: m.domains_fact_just_seen() });
	const state = isRed(domain) && blocked.has('routing') ? 'failed' : 'pending';
	const sentence =
		domain.driver === 'account_cname'
			? m.domains_fact_routing_account()
			: m.domains_fact_routing_waits({ hostname });
	return fact('routing', label, { state, sentence });
}

function certificateFact(domain: FactColumns, { blocked }: FactsMore): Fact {
	const label = m.domains_fact_certificate();
	const sentence = certificateSentence(domain);
	if (domain.certificate === 'active')
		return fact('certificate', label, {
			...{ state: 'done', sentence, until: domain.certificateExpiresAt }
		});
	const isBlocked = domain.certificate === 'error' || blocked.has('certificate');
	const state = isBlocked ? 'failed' : domain.certificate === 'pending' ? 'running' : 'pending';
	return fact('certificate', label, { state, sentence });
}

/**
 * One plain sentence for both of Cloudflare's state machines, whose names say little to anybody: it serves only when the
 * hostname and its certificate are active. See
 * https://developers.cloudflare.com/cloudflare-for-platforms/cloudflare-for-saas/domain-support/hostname-validation/
 */
export function certificateSentence(
	domain: Pick<
		FactColumns,
		'driver' | 'certificate' | 'certificateIssuer' | 'hostnameStatus' | 'hostnameSslStatus'
	>
): string {
	const { driver, certificate, certificateIssuer: issuer } = domain;
	if (certificate === 'active')
		return issuer
			? m.domains_certificate_by({ issuer: issuerName(issuer) })
			: m.domains_certificate_there();
	if (driver === 'custom_hostname' && certificate !== 'none') return hostnameSentence(domain);
	if (certificate === 'error') return m.domains_certificate_failed();
	return certificate === 'pending'
		? m.domains_certificate_ordered()
		: m.domains_certificate_later();
}

const AUTHORITIES: Record<string, string> = {
	google: 'Google Trust Services',
	GoogleTrustServices: 'Google Trust Services',
	lets_encrypt: "Let's Encrypt",
	LetsEncrypt: "Let's Encrypt",
	ssl_com: 'SSL.com'
};

function issuerName(issuer: string): string {
	return AUTHORITIES[issuer] ?? issuer;
}

function hostnameSentence({
	certificate,
	hostnameStatus: hostname,
	hostnameSslStatus: ssl
}: Pick<FactColumns, 'certificate' | 'hostnameStatus' | 'hostnameSslStatus'>): string {
	if (hostname?.includes('blocked')) return m.domains_certificate_blocked();
	if (hostname === 'moved' || hostname === 'pending_deletion' || hostname === 'deleted')
		return m.domains_certificate_moved();
	if (ssl?.endsWith('_timed_out')) return m.domains_certificate_timed_out();
	if (ssl === 'expired') return m.domains_certificate_expired_sentence();
	if (certificate === 'error') return m.domains_certificate_failed();
	switch (ssl) {
		case 'active':
			return m.domains_certificate_hostname_pending();
		case 'pending_issuance':
			return m.domains_certificate_issuing();
		case 'pending_deployment':
			return m.domains_certificate_deploying();
		case 'pending_validation':
			return m.domains_certificate_validating();
		default:
			return m.domains_certificate_ordered();
	}
}

function rule(domain: FactColumns, { applied }: FactsMore): Fact {
	const label = m.domains_fact_rule();
	if (domain.status === 'inactive')
		return fact('rule', label, { state: 'pending', sentence: m.domains_fact_rule_off() });
	if (!domain.published)
		return fact('rule', label, { state: 'pending', sentence: m.domains_fact_rule_waits() });
	if (applied === false)
		return fact('rule', label, { state: 'running', sentence: m.domains_fact_rule_going() });
	return fact('rule', label, {
		...{ state: 'done', sentence: m.domains_fact_rule_done(), since: domain.configuredAt }
	});
}

function answer(domain: FactColumns, { blocked }: FactsMore): Fact {
	const label = m.domains_fact_answer();
	if (domain.status === 'active' && domain.seenAt && !blocked.has('answer'))
		return fact('answer', label, {
			...{ state: 'done', sentence: m.domains_fact_answer_done(), since: domain.seenAt }
		});
	const state = domain.brokenAt || (isRed(domain) && blocked.has('answer')) ? 'failed' : 'pending';
	const sentence = domain.seenAt ? m.domains_fact_answer_gone() : m.domains_fact_answer_waits();
	return fact('answer', label, { state, sentence, since: domain.seenAt });
}

const isRed = ({ status }: Pick<FactColumns, 'status'>) => status === 'error';
