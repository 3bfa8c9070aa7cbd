import { m } from '#i18n/paraglide/messages.js';
import type {
	CertificateSeen,
	Finding,
	FindingCode,
	HttpsSeen,
	Observed,
	WantedRecord
} from './domainTypes.ts';
import { answersWell } from './domainTypes.ts';
import { tokenAmong } from './ownershipToken.ts';

/** One sort of record, or of answer: what is seen from outside next to what should be there. */
export interface SeenRow {
	key: 'txt' | 'cname' | 'a' | 'aaaa' | 'caa' | 'nameservers' | 'https' | 'certificate';
	label: string;
	/** The name that was asked about. */
	name: string;
	/** Values, as they are; empty: see `note`. */
	seen: string[];
	/** Why there is nothing, or what belongs to it, in words. */
	note: string | null;
	/** Any of these, or what `wantedNote` says; both empty: nothing is expected. */
	wanted: string[];
	wantedNote: string | null;
	state: 'right' | 'wrong' | 'neutral' | 'unknown';
	/** ISO time, where it is older than the rest. */
	at: string | null;
}

export interface ReportInput {
	hostname: string;
	verificationName: string;
	verificationToken: string;
	/** Null: nobody has looked yet. */
	observed: Observed | null;
	/** Of the name itself and its token. */
	records: readonly WantedRecord[];
	findings: readonly Finding[];
	proven: boolean;
	routed: boolean;
	/** ISO time of what answers at 443, where it is of an earlier look. */
	answerAt?: string | null;
}

const SPOILS: Record<SeenRow['key'], readonly FindingCode[]> = {
	txt: ['token_missing', 'token_other', 'token_in_pieces', 'token_misplaced', 'hostname_txt'],
	cname: ['cname_loop', 'cname_dangling'],
	a: ['leads_elsewhere', 'extra_address', 'behind_proxy', 'parked', 'no_address', 'name_missing'],
	aaaa: ['ipv6_elsewhere'],
	caa: ['caa_forbids'],
	nameservers: ['dnssec_broken', 'domain_unregistered'],
	https: ['answer_other', 'instance_silent'],
	certificate: ['certificate_other', 'certificate_expired', 'certificate_refused']
};

/** Everything that is seen of a domain from outside. Nothing is made up: what nobody could ask is said to be unknown. */
export function reportOf(input: ReportInput): SeenRow[] {
	const { observed } = input;
	if (!observed) return [];
	return [
		text(input, observed),
		cname(input, observed),
		addresses(input, observed, 'A'),
		addresses(input, observed, 'AAAA'),
		caa(input, observed),
		nameservers(input, observed),
		...answers(input, observed.https)
	];
}

function row(
	input: ReportInput,
	key: SeenRow['key'],
	label: string,
	more: Partial<SeenRow> & Pick<SeenRow, 'state'>
): SeenRow {
	const isSpoilt = input.findings.some(({ code }) => SPOILS[key].includes(code));
	return {
		...{ key, label, name: input.hostname, seen: [], note: null, wanted: [], wantedNote: null },
		...{ at: null, ...more },
		state: isSpoilt && more.state !== 'unknown' ? 'wrong' : more.state
	};
}

/** Why there is nothing, in words. */
function nothing(state: Observed['address']): string | null {
	switch (state) {
		case 'nxdomain':
			return m.domains_seen_no_name();
		case 'nodata':
		case 'found':
			return m.domains_seen_none();
		case 'unreachable':
			return m.domains_seen_unreachable();
		case 'bogus':
			return m.domains_seen_bogus();
		case 'loop':
			return m.domains_seen_loop();
	}
}

function text(input: ReportInput, { ownership }: Observed): SeenRow {
	const { records, state } = ownership;
	const isFound = tokenAmong(records, input.verificationToken) === 'found';
	return row(input, 'txt', 'TXT', {
		name: ownership.name,
		seen: records,
		note: records.length === 0 ? nothing(state) : null,
		wanted: [input.verificationToken],
		state: state === 'unreachable' ? 'unknown' : isFound && input.proven ? 'right' : 'wrong'
	});
}

function wantedOf({ hostname, records }: ReportInput, types: WantedRecord['type'][]): string[] {
	return records
		.filter((one) => one.purpose === 'routing' && one.name === hostname)
		.filter(({ type }) => types.includes(type))
		.map(({ value }) => value);
}

/** Where the customer has no record to set but the token. */
function setByUs({ records }: ReportInput): string | null {
	return records.some(({ purpose }) => purpose === 'routing') ? null : m.domains_wanted_by_us();
}

function cname(input: ReportInput, { cnames, address }: Observed): SeenRow {
	const wanted = wantedOf(input, ['CNAME', 'ALIAS']);
	const isThere = wanted.some((target) => cnames.includes(target));
	const isElsewhere = cnames.length > 0 && wanted.length > 0 && !isThere;
	const isWanting = !input.routed && wantedOf(input, ['CNAME']).length > 0 && !isThere;
	return row(input, 'cname', 'CNAME', {
		seen: cnames,
		note: cnames.length === 0 ? nothing(address) : null,
		wanted,
		wantedNote: setByUs(input),
		state: isUnasked(address)
			? 'unknown'
			: isThere
				? 'right'
				: isWanting || (isElsewhere && !input.routed)
					? 'wrong'
					: 'neutral'
	});
}

const isUnasked = (state: Observed['address']) => state === 'unreachable';

function addresses(input: ReportInput, observed: Observed, type: 'A' | 'AAAA'): SeenRow {
	const seen = type === 'A' ? observed.a : observed.aaaa;
	const wanted = wantedOf(input, [type]);
	const [target] = wantedOf(input, ['CNAME', 'ALIAS']);
	return row(input, type === 'A' ? 'a' : 'aaaa', type, {
		seen,
		note: seen.length === 0 ? nothing(observed.address) : null,
		wanted,
		wantedNote:
			wanted.length === 0 && target ? m.domains_wanted_of_target({ target }) : setByUs(input),
		state: isUnasked(observed.address)
			? 'unknown'
			: input.routed && seen.length > 0
				? 'right'
				: 'neutral'
	});
}

function caa(input: ReportInput, { caa: found, address }: Observed): SeenRow {
	const forbids = input.findings.find(({ code }) => code === 'caa_forbids');
	const isUnknown = !found && isUnasked(address);
	return row(input, 'caa', 'CAA', {
		name: found?.at ?? input.hostname,
		seen: found ? (found.issuers.length > 0 ? found.issuers : [';']) : [],
		note: found ? null : isUnknown ? m.domains_seen_unreachable() : m.domains_seen_caa_none(),
		wanted: forbids?.params.wanted ? forbids.params.wanted.split(', ') : [],
		wantedNote: forbids ? null : m.domains_wanted_caa(),
		state: isUnknown ? 'unknown' : 'right'
	});
}

function nameservers(input: ReportInput, { nameservers: seen, domain }: Observed): SeenRow {
	return row(input, 'nameservers', m.domains_seen_nameservers(), {
		name: domain?.name ?? input.hostname,
		seen,
		note: seen.length === 0 ? m.domains_seen_unknown() : null,
		wantedNote: m.domains_wanted_nameservers(),
		state: seen.length === 0 ? 'unknown' : 'neutral'
	});
}

function answers(input: ReportInput, https: HttpsSeen | null): SeenRow[] {
	const at = input.answerAt ?? null;
	if (!https) {
		const unasked = row(input, 'https', m.domains_seen_https(), {
			note: m.domains_seen_unasked(),
			wantedNote: m.domains_wanted_https(),
			state: 'unknown'
		});
		return [unasked];
	}
	const status =
		https.kind === 'answered'
			? [String(https.status), https.server, https.location && `→ ${https.location}`]
			: [https.reason];
	const answer = row(input, 'https', m.domains_seen_https(), {
		seen: [status.filter(Boolean).join(' · ')],
		note: https.kind === 'unreachable' ? m.domains_seen_no_answer() : null,
		wantedNote: m.domains_wanted_https(),
		state: answersWell(https) && input.routed ? 'right' : 'neutral',
		at
	});
	return [answer, certificate(input, https.certificate, at)];
}

function certificate(input: ReportInput, seen: CertificateSeen | null, at: string | null): SeenRow {
	return row(input, 'certificate', m.domains_fact_certificate(), {
		seen: seen ? [seen.issuer, seen.names.slice(0, 3).join(', ')].filter(Boolean) : [],
		note: seen
			? seen.fits
				? m.domains_seen_fits()
				: m.domains_seen_fits_not()
			: m.domains_seen_no_certificate(),
		wantedNote: m.domains_wanted_certificate({ hostname: input.hostname }),
		state: seen?.fits ? 'right' : 'neutral',
		at
	});
}
