import type packet from 'dns-packet';
import type { Outcome } from './ask.server.ts';
import type { Reply } from './exchange.server.ts';

/**
 * What is known of one name and type. `bogus`: there is an answer, but its signatures do not fit · `loop`: the CNAMEs
 * lead in a circle · `unreachable`: no server gave a usable answer, so nothing is known.
 */
export type LookedKind = 'found' | 'nxdomain' | 'nodata' | 'unreachable' | 'bogus' | 'loop';

export interface Looked<T> {
	kind: LookedKind;
	/** Of a bogus answer as well: what it would be without the signatures. */
	records: T[];
	/** The names that the chain leads through, in order, without the first one. */
	cnames: string[];
	/** Why it is unreachable: ETIMEOUT, ESERVFAIL, EREFUSED, ECONNREFUSED … */
	reason: string | null;
	/** Said by the zone's own servers, not by a resolver that may remember. */
	fresh: boolean;
}

const NXDOMAIN = 3;

export const bare = (name: string): string => name.toLowerCase().replace(/\.$/, '');

/** Reads the answer of one question: its CNAMEs in order, whatever order they came in, and the records at their end. */
export function looked<T>(
	reply: Reply,
	name: string,
	type: packet.RecordType,
	read: (answer: packet.Answer) => T | null
): Looked<T> {
	const { names, loops } = type === 'CNAME' ? { names: [], loops: false } : chainOf(reply, name);
	const end = names.at(-1) ?? bare(name);
	const records = reply.answers.flatMap((answer) => {
		if (answer.type !== type || bare(answer.name) !== end) return [];
		const value = read(answer);
		return value === null ? [] : [value];
	});
	const base = { records, cnames: names, reason: null, fresh: reply.authoritative };
	if (loops) return { ...base, kind: 'loop', records: [] };
	if (records.length > 0) return { ...base, kind: 'found' };
	return { ...base, kind: reply.code === NXDOMAIN ? 'nxdomain' : 'nodata' };
}

function chainOf(reply: Reply, name: string): { names: string[]; loops: boolean } {
	const targets = new Map<string, string>();
	for (const answer of reply.answers) {
		if (answer.type === 'CNAME') targets.set(bare(answer.name), bare(answer.data));
	}
	const names: string[] = [];
	for (let at = targets.get(bare(name)); at !== undefined; at = targets.get(at)) {
		if (names.includes(at) || at === bare(name)) return { names: [...names, at], loops: true };
		names.push(at);
	}
	return { names, loops: false };
}

export function unreachable<T>(reason: string): Looked<T> {
	return { kind: 'unreachable', records: [], cnames: [], reason, fresh: false };
}

export function readOutcome<T>(
	outcome: Outcome,
	name: string,
	type: packet.RecordType,
	read: (answer: packet.Answer) => T | null
): Looked<T> {
	return outcome.kind === 'answered'
		? looked(outcome.reply, name, type, read)
		: unreachable(outcome.reason);
}

export const readAddress = (answer: packet.Answer): string | null =>
	answer.type === 'A' || answer.type === 'AAAA' ? answer.data : null;

export const readName = (answer: packet.Answer): string | null =>
	answer.type === 'CNAME' || answer.type === 'NS' ? bare(answer.data) : null;

/** A record's strings joined, as those who read TXT records do. */
export function readText(answer: packet.Answer): string | null {
	if (answer.type !== 'TXT') return null;
	const strings = Array.isArray(answer.data) ? answer.data : [answer.data];
	return Buffer.concat(
		strings.map((text) => (typeof text === 'string' ? Buffer.from(text) : text))
	).toString('utf8');
}

export const readCaa = (answer: packet.Answer): packet.CaaData | null =>
	answer.type === 'CAA' ? answer.data : null;

export const readSoa = (answer: packet.Answer): packet.SoaData | null =>
	answer.type === 'SOA' ? answer.data : null;
