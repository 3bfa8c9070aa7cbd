import type { Kernel } from '../kernel/kernel.ts';
import { lookUp, type Held } from './zones.ts';

export interface Answer {
	name: string;
	type: string;
	content: string;
	ttl: number;
	priority?: number;
}

export interface Resolution {
	code: 'NOERROR' | 'NXDOMAIN' | 'SERVFAIL';
	answers: Answer[];
	/** Zone whose SOA stands in a negative answer. */
	soa: string | null;
}

const LONGEST_CHAIN = 8;

/**
 * Answers as a public recursive resolver does: follows CNAMEs from zone to zone.
 * @param asked a name in any case, with or without the last dot
 */
export function resolve(kernel: Kernel, asked: string, type: string): Resolution {
	const answers: Answer[] = [];
	let name = asked.toLowerCase().replace(/\.$/, '');
	for (let hop = 0; hop <= LONGEST_CHAIN; hop += 1) {
		const special = specialName(name, type);
		if (special) return { ...special, answers: [...answers, ...special.answers] };
		const found = lookUp(kernel, name);
		// Of a name that nobody holds, the top-level domain says so.
		if (!found) return { code: 'NXDOMAIN', answers, soa: name.slice(name.lastIndexOf('.') + 1) };
		if (!found.exists) return { code: 'NXDOMAIN', answers, soa: found.zone };
		const records = flattened(kernel, name, type, found.zone, found.records);
		if (!records) return { code: 'SERVFAIL', answers: [], soa: null };
		const wanted = records.filter((record) => type === 'ANY' || record.type === type);
		if (wanted.length > 0) {
			answers.push(...wanted.map((record) => ({ ...record, name })));
			return { code: 'NOERROR', answers, soa: null };
		}
		const alias = records.find((record) => record.type === 'CNAME');
		if (!alias) return { code: 'NOERROR', answers, soa: found.zone };
		answers.push({ name, type: 'CNAME', content: alias.content, ttl: alias.ttl });
		name = alias.content;
	}
	return { code: 'SERVFAIL', answers: [], soa: null };
}

/** An apex cannot hold a CNAME: Cloudflare (CNAME) and good registrars (ALIAS) answer with the target's addresses. */
function flattened(
	kernel: Kernel,
	name: string,
	type: string,
	zone: string,
	records: Held[]
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
	// RFC 6761: resolvers answer `localhost` and all below it with loopback.
	if (name === 'localhost' || name.endsWith('.localhost')) {
		const answers = type === 'A' ? [{ name, type, content: '127.0.0.1', ttl: 300 }] : [];
		return { code: 'NOERROR', answers, soa: answers.length > 0 ? null : 'localhost' };
	}
	// A tunnel's name has no public address: only a proxied record reaches it.
	if (name.endsWith('.cfargotunnel.com')) {
		return { code: 'NOERROR', answers: [], soa: 'cfargotunnel.com' };
	}
	return null;
}
