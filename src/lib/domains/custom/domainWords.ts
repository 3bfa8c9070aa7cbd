import { m } from '#i18n/paraglide/messages.js';
import { date } from '#lib/ui/format.ts';
import type { Finding, FindingCode } from '../doctor/domainTypes.ts';
import type { HostnameProblem } from '../hostname.ts';

type Options = { locale?: 'es' | 'en' };
type Params = Record<string, string>;
type Sentence = (params: Params, options: Options, finding: Finding) => string;

const SENTENCES: Record<FindingCode, Sentence> = {
	token_missing: ({ name = '', token = '' }, o) =>
		m.domains_finding_token_missing({ name, token }, o),
	token_other: ({ name = '', token = '', found = '' }, o) =>
		m.domains_finding_token_other({ name, token, found }, o),
	token_in_pieces: ({ name = '', token = '', records = '' }, o) =>
		m.domains_finding_token_in_pieces({ name, token, records }, o),
	token_misplaced: ({ name = '', found = '' }, o) =>
		m.domains_finding_token_misplaced({ name, found }, o),
	name_missing: ({ name = '', wanted = '' }, o) =>
		m.domains_finding_name_missing({ name, wanted }, o),
	domain_unregistered: ({ domain = '' }, o) => m.domains_finding_domain_unregistered({ domain }, o),
	no_address: ({ name = '', wanted = '' }, o) => m.domains_finding_no_address({ name, wanted }, o),
	leads_elsewhere: ({ name = '', found = '', wanted = '' }, o) =>
		m.domains_finding_leads_elsewhere({ name, found, wanted }, o),
	extra_address: ({ name = '', found = '' }, o) =>
		m.domains_finding_extra_address({ name, found }, o),
	ipv6_elsewhere: ({ name = '', found = '' }, o) =>
		m.domains_finding_ipv6_elsewhere({ name, found }, o),
	behind_proxy: ({ name = '', provider = '', wanted = '' }, o) =>
		m.domains_finding_behind_proxy({ name, provider, wanted }, o),
	parked: ({ name = '', provider = '', wanted = '' }, o) =>
		m.domains_finding_parked({ name, provider, wanted }, o),
	cname_loop: ({ name = '', found = '', wanted = '' }, o, { of }) =>
		of === 'ownership'
			? m.domains_finding_cname_loop_token({ name }, o)
			: m.domains_finding_cname_loop({ name, found, wanted }, o),
	cname_dangling: ({ name = '', found = '', wanted = '' }, o) =>
		m.domains_finding_cname_dangling({ name, found, wanted }, o),
	dnssec_broken: ({ domain = '' }, o) => m.domains_finding_dnssec_broken({ domain }, o),
	caa_forbids: ({ at = '', found = '', wanted = '' }, o) => {
		// Any of them is enough: one is named, so that it can be copied.
		const authority = wanted.split(', ')[0] ?? '';
		return found === ';'
			? m.domains_finding_caa_forbids_all({ at, authority }, o)
			: m.domains_finding_caa_forbids({ at, found, authority }, o);
	},
	dns_unreachable: ({ domain = '', reason = '' }, o) =>
		m.domains_finding_dns_unreachable({ domain, reason }, o),
	certificate_other: ({ issuer = '' }, o) => m.domains_finding_certificate_other({ issuer }, o),
	certificate_expired: ({ expires_at: at = '' }, o) =>
		m.domains_finding_certificate_expired({ day: day(at, o) }, o),
	certificate_refused: ({ detail = '' }, o) => m.domains_finding_certificate_refused({ detail }, o),
	hostname_blocked: ({ detail = '' }, o) => m.domains_finding_hostname_blocked({ detail }, o),
	hostname_deleted: (_params, o) => m.domains_finding_hostname_deleted({}, o),
	hostname_txt: ({ name = '', value = '' }, o) =>
		m.domains_finding_hostname_txt({ name, value }, o),
	zone_missing: ({ domain = '' }, o) => m.domains_finding_zone_missing({ domain }, o),
	record_in_the_way: ({ name = '', type = '', content = '' }, o) =>
		m.domains_finding_record_in_the_way({ name, type, content }, o),
	taken: (_params, o) => m.domains_finding_taken({}, o),
	instance_silent: ({ detail = '' }, o) => m.domains_finding_instance_silent({ detail }, o),
	answer_other: ({ detail = '' }, o) => m.domains_finding_answer_other({ detail }, o)
};

function day(at: string, { locale = 'es' }: Options): string {
	return Number.isNaN(Date.parse(at)) ? at : date(new Date(at), locale, 'UTC');
}

/** What is wrong, what we see, and the one thing to change, in a sentence or two. */
export function findingSentence(finding: Finding, options: Options = {}): string {
	return SENTENCES[finding.code](finding.params, options, finding);
}

const REFUSALS: Record<HostnameProblem, (inputs: object, options: Options) => string> = {
	empty: m.domains_refusal_empty,
	not_a_name: m.domains_refusal_not_a_name,
	ip_address: m.domains_refusal_ip_address,
	wildcard: m.domains_refusal_wildcard,
	single_label: m.domains_refusal_single_label,
	too_long: m.domains_refusal_too_long,
	public_suffix: m.domains_refusal_public_suffix,
	own_name: m.domains_refusal_own_name,
	reserved: m.domains_refusal_reserved
};

/** Why a name cannot be a custom domain, and what to type instead. */
export function hostnameRefusal(code: HostnameProblem, options: Options = {}): string {
	return REFUSALS[code]({}, options);
}
