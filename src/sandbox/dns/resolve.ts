import type { Kernel } from '../kernel/kernel.ts';
import {
	isWithin,
	lookUp,
	NAMESERVER_ADDRESS,
	REGISTRAR_NAMESERVER,
	type Held,
	type ZoneAnswer
} from './zones.ts';

export interface Answer {
	name: string;
	type: string;
	content: string;
	ttl: number;
	priority?: number;
}

export interface Resolution {
	code: 'NOERROR' | 'NXDOMAIN' | 'SERVFAIL' | 'REFUSED';
	answers: Answer[];
	/** Zone whose SOA stands in a negative answer. */
	soa: string | null;
	/** How long a negative answer may be remembered, in seconds. */
	negativeTtl?: number;
	/** Every zone on the way is signed, and the signatures fit. */
	authentic?: boolean;
	/** Extended DNS error (RFC 8914): 6 DNSSEC bogus, 22 no reachable authority. */
	error?: number;
}

export interface ResolveOptions {
	/** Signatures are not looked at (the CD bit). */
	unchecked?: boolean;
}

const LONGEST_CHAIN = 8;
const BOGUS = 6;
const NO_REACHABLE_AUTHORITY = 22;
const failed = (error?: number): Resolution => ({
	...{ code: 'SERVFAIL', answers: [], soa: null },
	...(error === undefined ? {} : { error })
});

/**
 * Answers as a public recursive resolver does: follows CNAMEs from zone to zone.
 * @param asked a name in any case, with or without the last dot
 */
export function resolve(
	kernel: Kernel,
	asked: string,
	type: string,
	options: ResolveOptions = {}
): Resolution {
	const answers: Answer[] = [];
	let authentic = true;
	let name = bare(asked);
	for (let hop = 0; hop <= LONGEST_CHAIN; hop += 1) {
		const special = specialName(name, type);
		if (special) return { ...special, answers: [...answers, ...special.answers] };
		const found = lookUp(kernel, name);
		if (!found) {
			// Of a name that nobody holds, the top-level domain says so; itself it is there.
			const code = name.includes('.') ? 'NXDOMAIN' : 'NOERROR';
			return { code, answers, soa: name.slice(name.lastIndexOf('.') + 1) };
		}
		if (found.silent) return failed(NO_REACHABLE_AUTHORITY);
		if (found.signed === 'broken' && !options.unchecked) return failed(BOGUS);
		authentic &&= found.signed === 'fine';
		const { zone, negativeTtl } = found;
		if (!found.exists) return { code: 'NXDOMAIN', answers, soa: zone, negativeTtl };
		const records = flattened(kernel, name, type, found);
		if (!records) return failed();
		const wanted = records.filter((record) => type === 'ANY' || record.type === type);
		if (wanted.length > 0) {
			answers.push(...wanted.map((record) => ({ ...record, name })));
			return { code: 'NOERROR', answers, soa: null, ...(authentic ? { authentic } : {}) };
		}
		const alias = records.find((record) => record.type === 'CNAME');
		if (!alias) return { code: 'NOERROR', answers, soa: zone, negativeTtl };
		answers.push({ name, type: 'CNAME', content: alias.content, ttl: alias.ttl });
		name = alias.content;
	}
	return failed();
}

/** Answers as the name servers of the zone do, about this zone alone; null: they stay silent. */
export function authoritative(kernel: Kernel, asked: string, type: string): Resolution | null {
	const answers: Answer[] = [];
	let name = bare(asked);
	const zone = lookUp(kernel, name)?.zone;
	if (zone === undefined) return { code: 'REFUSED', answers, soa: null };
	for (let hop = 0; hop <= LONGEST_CHAIN; hop += 1) {
		const found = isWithin(name, zone) ? lookUp(kernel, name) : null;
		if (!found) return { code: 'NOERROR', answers, soa: null };
		if (found.silent) return null;
		const { negativeTtl } = found;
		if (!found.exists) return { code: 'NXDOMAIN', answers, soa: zone, negativeTtl };
		const records = flattened(kernel, name, type, found);
		if (!records) return failed();
		const wanted = records.filter((record) => type === 'ANY' || record.type === type);
		answers.push(...wanted.map((record) => ({ ...record, name })));
		if (wanted.length > 0) return { code: 'NOERROR', answers, soa: null };
		const alias = records.find((record) => record.type === 'CNAME');
		if (!alias) return { code: 'NOERROR', answers, soa: zone, negativeTtl };
		answers.push({ name, type: 'CNAME', content: alias.content, ttl: alias.ttl });
		name = alias.content;
	}
	return { code: 'NOERROR', answers, soa: null };
}

const bare = (name: string): string => name.toLowerCase().replace(/\.$/, '');

/** An apex cannot hold a CNAME: Cloudflare (CNAME) and good registrars (ALIAS) answer with the target's addresses. */
function flattened(
	kernel: Kernel,
	name: string,
	type: string,
	{ zone, records }: ZoneAnswer
): Held[] | null {
	const alias = records.find(
		(record) => record.type === 'ALIAS' || (record.type === 'CNAME' && name === zone)
	);
	if (!alias) return records;
	const rest = records.filter((record) => record !== alias);
	if (type !== 'A' && type !== 'AAAA') return rest;
	const target = resolve(kernel, alias.content, type);
	if (target.code === 'SERVFAIL') return null;
	const addresses = target.answers.filter((answer) => answer.type === type);
	return [...rest, ...addresses.map(({ content, ttl }) => ({ type, content, ttl }))];
}

function specialName(name: string, type: string): Resolution | null {
	const loopback = (content: string, soa: string): Resolution =>
		type === 'A'
			? { code: 'NOERROR', answers: [{ name, type, content, ttl: 300 }], soa: null }
			: { code: 'NOERROR', answers: [], soa };
	// RFC 6761: resolvers answer `localhost` and all below it with loopback.
	if (name === 'localhost' || name.endsWith('.localhost'))
		return loopback('127.0.0.1', 'localhost');
	// Name servers of every zone here: the registrar's, and Cloudflare's.
	if (name === REGISTRAR_NAMESERVER || name.endsWith('.ns.cloudflare.com')) {
		return loopback(NAMESERVER_ADDRESS, name.slice(name.indexOf('.') + 1));
	}
	// A tunnel's name has no public address: only a proxied record reaches it.
	if (name.endsWith('.cfargotunnel.com')) {
		return { code: 'NOERROR', answers: [], soa: 'cfargotunnel.com' };
	}
	return null;
}
