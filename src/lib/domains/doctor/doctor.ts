import { isSameAddress } from '../base/addressRange.ts';
import type { Expected, Finding, FindingCode, FindingOf, Observed } from './domainTypes.ts';
import { piecesOf, tokenAmong } from './ownershipToken.ts';
import { parkedBy, providerOfAddress, providerOfName, providerOfServer } from './providers.ts';

/** The token stands where it should, and its zone can be believed. */
export function ownershipProven(observed: Observed, expected: Expected): boolean {
	const { state, records } = observed.ownership;
	return state === 'found' && tokenAmong(records, expected.verificationToken) === 'found';
}

/** Every visitor who asks for the name ends at one of our addresses. */
export function routedHere(observed: Observed, expected: Expected): boolean {
	if (observed.address !== 'found') return false;
	if (throughTarget(observed, expected)) return true;
	const addresses = [...observed.a, ...observed.aaaa];
	return addresses.length > 0 && addresses.every((address) => isOurs(address, expected));
}

const throughTarget = ({ cnames }: Observed, { target }: Expected): boolean =>
	target !== null && cnames.includes(target.toLowerCase());

const isOurs = (address: string, { addresses }: Expected): boolean =>
	addresses.some((ours) => isSameAddress(address, ours));

/**
 * What is not as it should be, most telling first: the first one is the one thing to change, because nothing behind it
 * can be seen or matters before. Nothing that works is mentioned.
 */
export function diagnose(observed: Observed, expected: Expected): Finding[] {
	const whole = ofTheZone(observed, expected);
	if (whole) return [whole];
	return [
		...ofOwnership(observed, expected),
		...ofRouting(observed, expected),
		...ofCaa(observed, expected),
		...ofAnswer(observed, expected)
	];
}

function finding(
	code: FindingCode,
	of: FindingOf,
	params: Record<string, string>,
	blocks = true
): Finding {
	return { code, of, blocks, params };
}

/** What makes everything else unknowable. */
function ofTheZone(observed: Observed, { hostname }: Expected): Finding | null {
	const { address, ownership, domain } = observed;
	const name = domain?.name ?? hostname;
	if (domain?.state === 'nxdomain' && address === 'nxdomain' && ownership.state !== 'found') {
		return finding('domain_unregistered', 'routing', { domain: name });
	}
	if ([address, ownership.state, domain?.state].includes('bogus')) {
		return finding('dnssec_broken', 'routing', { domain: name });
	}
	if (address === 'unreachable' && ownership.state === 'unreachable') {
		const reason = observed.reason ?? 'ETIMEOUT';
		return finding('dns_unreachable', 'routing', { domain: name, reason }, false);
	}
	return null;
}

function ofOwnership(observed: Observed, expected: Expected): Finding[] {
	if (ownershipProven(observed, expected)) return [];
	const { verificationToken: token, verificationName: name } = expected;
	const { state, records, elsewhere = [] } = observed.ownership;
	const params = { name, token };
	if (state === 'unreachable') {
		const reason = observed.reason ?? 'ETIMEOUT';
		return [finding('dns_unreachable', 'ownership', { domain: name, reason }, false)];
	}
	if (state === 'loop') return [finding('cname_loop', 'ownership', { name, found: name })];
	const pieces = piecesOf(records, token);
	if (pieces > 0) {
		return [finding('token_in_pieces', 'ownership', { ...params, records: String(pieces) })];
	}
	const misplaced = elsewhere.find(
		(place) => place.name !== name && tokenAmong(place.records, token) === 'found'
	);
	if (misplaced) {
		return [finding('token_misplaced', 'ownership', { ...params, found: misplaced.name })];
	}
	if (tokenAmong(records, token) === 'other') {
		return [finding('token_other', 'ownership', { ...params, found: shortened(records) })];
	}
	return [finding('token_missing', 'ownership', params)];
}

/** The first few, so that a sentence stays one. */
function shortened(records: readonly string[]): string {
	const shown = records.slice(0, 2).map((record) => {
		const chars = [...record];
		return chars.length > 60 ? `${chars.slice(0, 60).join('')}…` : record;
	});
	return records.length > shown.length ? `${shown.join(', ')} …` : shown.join(', ');
}

function ofRouting(observed: Observed, expected: Expected): Finding[] {
	if (routedHere(observed, expected)) return [];
	const { address, cnames } = observed;
	const name = expected.hostname;
	const wanted = wantedOf(expected);
	const end = cnames.at(-1);
	if (address === 'unreachable') {
		const reason = observed.reason ?? 'ETIMEOUT';
		return [finding('dns_unreachable', 'routing', { domain: name, reason }, false)];
	}
	if (address === 'loop') {
		const found = [name, ...cnames].join(' → ');
		return [finding('cname_loop', 'routing', { name, found, wanted })];
	}
	if (address !== 'found' && end !== undefined) {
		return [finding('cname_dangling', 'routing', { name, found: end, wanted })];
	}
	if (address === 'nxdomain') return [finding('name_missing', 'routing', { name, wanted })];
	if (address === 'nodata') return [finding('no_address', 'routing', { name, wanted })];
	return elsewhere(observed, expected, { name, wanted });
}

/** The name has addresses, and not only ours. */
function elsewhere(
	observed: Observed,
	expected: Expected,
	params: { name: string; wanted: string }
): Finding[] {
	const { a, aaaa, cnames, https } = observed;
	const foreign = a.filter((one) => !isOurs(one, expected));
	const foreign6 = aaaa.filter((one) => !isOurs(one, expected));
	const hasOurs = a.length + aaaa.length > foreign.length + foreign6.length;
	const six = () => finding('ipv6_elsewhere', 'routing', { ...params, found: named(foreign6) });
	if (hasOurs) {
		const extra = finding('extra_address', 'routing', { ...params, found: named(foreign) });
		return [...(foreign.length > 0 ? [extra] : []), ...(foreign6.length > 0 ? [six()] : [])];
	}
	const parked = parkedBy(observed);
	if (parked) return [finding('parked', 'routing', { ...params, provider: parked })];
	const proxy = proxyOf([...foreign, ...foreign6], cnames, answeringServer(https));
	if (proxy) return [finding('behind_proxy', 'routing', { ...params, provider: proxy })];
	const [first] = cnames;
	const found = first === undefined ? named([...foreign, ...foreign6]) : withProvider(first);
	return [finding('leads_elsewhere', 'routing', { ...params, found })];
}

const answeringServer = (https: Observed['https']): string | null =>
	https?.kind === 'answered' ? https.server : null;

/**
 * A provider that stands in front: by its CNAME, or by its header, as none of the addresses is ours; by an address alone
 * only where that can be nothing but a proxy.
 */
function proxyOf(addresses: string[], cnames: string[], server: string | null): string | null {
	const isInFront = (one: { kind: string } | null) => one?.kind === 'proxy' || one?.kind === 'cdn';
	const found =
		cnames.map(providerOfName).find(isInFront) ??
		addresses.map(providerOfAddress).find((one) => one?.kind === 'proxy') ??
		[providerOfServer(server)].find(isInFront);
	return found?.name ?? null;
}

function withProvider(name: string): string {
	const provider = providerOfName(name);
	return provider ? `${name} (${provider.name})` : name;
}

/** Addresses with the name of who has them: `151.101.1.1 (Fastly)`. */
function named(addresses: readonly string[]): string {
	return addresses
		.map((address) => {
			const provider = providerOfAddress(address);
			return provider ? `${address} (${provider.name})` : address;
		})
		.join(', ');
}

/** What a record of the name should lead to. */
function wantedOf({ target, addresses, isApex }: Expected): string {
	if (target !== null && (!isApex || addresses.length === 0)) return target;
	return addresses.length > 0 ? addresses.join(', ') : '';
}

function ofCaa({ caa }: Observed, { authorities, certificateExpected }: Expected): Finding[] {
	if (!caa || authorities.length === 0) return [];
	if (caa.issuers.some((issuer) => authorities.includes(issuer))) return [];
	const found = caa.issuers.length > 0 ? caa.issuers.join(', ') : ';';
	const params = { found, wanted: authorities.join(', '), at: caa.at };
	// A certificate that is there stays; it is the next one that is forbidden.
	return [finding('caa_forbids', 'certificate', params, !certificateExpected)];
}

/** What answers where the name leads to us. */
function ofAnswer(observed: Observed, expected: Expected): Finding[] {
	const { https } = observed;
	if (!https || !routedHere(observed, expected)) return [];
	const { certificate } = https;
	const findings: Finding[] = [];
	if (certificate && Date.parse(certificate.expiresAt) <= Date.parse(observed.at)) {
		const params = { issuer: certificate.issuer, expires_at: certificate.expiresAt };
		findings.push(finding('certificate_expired', 'certificate', params));
	} else if (certificate && !certificate.fits && expected.certificateExpected) {
		const names = certificate.names.slice(0, 3).join(', ');
		const params = { issuer: certificate.issuer, names };
		findings.push(finding('certificate_other', 'certificate', params));
	}
	const detail = answeredByOther(observed, expected);
	if (detail) findings.push(finding('answer_other', 'answer', { detail }, false));
	return findings;
}

/** A page that is surely none of ours; null when it may be. */
function answeredByOther(observed: Observed, { hostname, target }: Expected): string | null {
	const { https } = observed;
	if (https?.kind !== 'answered') return null;
	const parked = parkedBy({ ...observed, a: [], aaaa: [], cnames: [], nameservers: [] });
	if (parked) return parked;
	if (https.location === null || !URL.canParse(https.location)) return null;
	const to = new URL(https.location).hostname;
	// The www of a pair leads to its apex, the platform's own names to each other.
	const ours = [hostname, `www.${hostname}`, hostname.replace(/^www\./, '')];
	const zone = (target ?? '').split('.').slice(-2).join('.');
	const isKnown = ours.includes(to) || (zone !== '' && (to === zone || to.endsWith(`.${zone}`)));
	return isKnown ? null : https.location;
}
