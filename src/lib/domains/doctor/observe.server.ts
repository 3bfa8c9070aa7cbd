import { parse } from 'tldts';
import { now } from '#lib/core/clock.server.ts';
import type { Looker } from '../../integrations/dns/looker.server.ts';
import type { HttpsSeen, Observed } from './domainTypes.ts';
import { tokenAmong, type TokenSeen } from './ownershipToken.ts';
import { publicDns } from './publicDns.server.ts';

/** How long looks may take; tests shorten them. */
export const lookPatience = { dnsMs: 2000, httpsMs: 1000, proofMs: 1800 };

export interface Asked {
	hostname: string;
	/** Where the token is looked for. */
	verificationName: string;
}

export interface LookOptions {
	/** What answers at port 443 is looked at as well. */
	https: boolean;
	/** The zone's own servers are asked, past what resolvers remember. */
	fresh: boolean;
}

/** What the world says of a name: everything at once, in about three seconds at most, whoever is silent. */
export async function observe(asked: Asked, options: LookOptions): Promise<Observed> {
	const { hostname, verificationName } = asked;
	const dns = publicDns();
	const look = dns.looker({ withinMs: lookPatience.dnsMs, fresh: options.fresh });
	const domain = parse(hostname, { allowPrivateDomains: true }).domain ?? hostname;
	const seeing = look.addresses(hostname);
	const https = options.https
		? seeing.then(({ a, aaaa }) => answerAt(hostname, [...a, ...aaaa]))
		: null;
	const [address, ownership, elsewhere, caa, zone, registered, answer] = await Promise.all([
		seeing,
		look.texts(verificationName),
		otherPlaces(look, asked, domain),
		look.caa(hostname),
		look.zone(hostname),
		look.nameservers(domain),
		https
	]);
	return {
		at: now().toISOString(),
		hostname,
		address: address.kind,
		a: address.a,
		aaaa: address.aaaa,
		cnames: address.cnames,
		ownership: {
			...{ name: verificationName, state: ownership.kind },
			// What nobody else may believe is not evidence either.
			records: ownership.kind === 'found' ? ownership.records.map(cut) : [],
			elsewhere
		},
		domain: { name: domain, state: registered.kind },
		reason: address.reason ?? ownership.reason,
		caa,
		nameservers: zone?.nameservers ?? [],
		https: answer
	};
}

/** What answers at 443 now; null for a name that leads nowhere, which nobody is asked. */
export async function answerAt(hostname: string, addresses: string[]): Promise<HttpsSeen | null> {
	if (addresses.length === 0) return null;
	const seen = await publicDns().lookAtHttps(hostname, {
		addresses,
		timeoutMs: lookPatience.httpsMs
	});
	if (seen.kind === 'unreachable') return seen;
	const { kind, status, server, location, certificate } = seen;
	return { kind, status, server, location, certificate };
}

/**
 * Names where a token ends up by mistake: with the domain appended once more, as registrars do that take only the part
 * before it; at the domain or the name itself; below the name when it should be below its domain, and the other way
 * round.
 */
async function otherPlaces(
	look: Looker,
	{ hostname, verificationName }: Asked,
	domain: string
): Promise<{ name: string; records: string[] }[]> {
	const label = verificationName.split('.')[0] ?? '';
	const names = [
		`${verificationName}.${domain}`,
		...[domain, hostname, `${label}.${domain}`, `${label}.${hostname}`]
	].filter((name) => name !== verificationName);
	const seen = await Promise.all(
		[...new Set(names)].map(async (name) => ({ name, seen: await look.texts(name) }))
	);
	return seen.flatMap(({ name, seen: { kind, records } }) =>
		kind === 'found' ? [{ name, records: records.map(cut) }] : []
	);
}

/** Others' records may be long; ours is not. */
const MOST_CHARS = 300;
const cut = (text: string): string => text.slice(0, MOST_CHARS);

/** `unknown`: nobody who knows could be asked, or the answer cannot be believed. */
export interface Proof {
	state: 'proven' | Exclude<TokenSeen, 'found'> | 'unknown';
	/** What stands there, one entry a record. */
	records: string[];
}

/** A quick look at the token alone, at the zone's own servers first. */
export async function proveOwnership(name: string, token: string): Promise<Proof> {
	const look = publicDns().looker({ withinMs: lookPatience.proofMs, fresh: true });
	const { kind, records } = await look.texts(name);
	if (kind === 'unreachable' || kind === 'bogus') return { state: 'unknown', records: [] };
	const seen = tokenAmong(kind === 'found' ? records : [], token);
	return { state: seen === 'found' ? 'proven' : seen, records: records.map(cut) };
}
