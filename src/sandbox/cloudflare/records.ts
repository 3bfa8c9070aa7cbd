import { randomBytes } from 'node:crypto';
import { isIPv4, isIPv6 } from 'node:net';
import { ApiError, isObject } from './envelope.ts';
import type { DnsRecord, Zone } from './state.ts';

const PROXIABLE = new Set(['A', 'AAAA', 'CNAME']);
const TYPES = new Set([
	...PROXIABLE,
	...['CAA', 'CERT', 'DNSKEY', 'DS', 'HTTPS', 'LOC', 'MX', 'NAPTR', 'NS', 'PTR', 'SMIMEA', 'SRV'],
	...['SSHFP', 'SVCB', 'TLSA', 'TXT', 'URI']
]);
const LABEL = /^(?:\*|[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)$/;
const LONGEST_COMMENT = 500;

/** A name as Cloudflare keeps it: lower case, whole; what does not end in the zone is below it. */
export function fullName(name: string, zone: Zone): string {
	const bare = name.trim().toLowerCase().replace(/\.$/, '');
	if (bare === '@' || bare === zone.name) return zone.name;
	return bare.endsWith(`.${zone.name}`) ? bare : `${bare}.${zone.name}`;
}

export const isHostname = (name: string): boolean =>
	name.length > 0 && name.length <= 253 && name.split('.').every((label) => LABEL.test(label));

function refuse(code: number, message: string): never {
	throw new ApiError(400, code, message);
}

/**
 * Checks what a client sent and makes a record of it.
 * @param before the record that is replaced; its id and birth stay
 * @throws ApiError 400 with Cloudflare's codes 9000…9999
 */
export function recordFrom(
	body: Record<string, unknown>,
	zone: Zone,
	at: string,
	before?: DnsRecord
): DnsRecord {
	const { type, name } = body;
	if (typeof type !== 'string' || !TYPES.has(type)) refuse(9004, 'DNS record type is invalid.');
	if (typeof name !== 'string' || name === '') refuse(9000, 'DNS name is invalid.');
	const full = fullName(name, zone);
	if (!isHostname(full)) refuse(9000, 'DNS name is invalid.');
	const proxiable = PROXIABLE.has(type);
	const proxied = body.proxied ?? false;
	if (typeof proxied !== 'boolean') refuse(9003, 'Invalid value for proxied.');
	if (proxied && !proxiable) refuse(9004, 'This record type cannot be proxied.');
	const record: DnsRecord = {
		id: before?.id ?? randomBytes(16).toString('hex'),
		zone_id: zone.id,
		name: full,
		type,
		content: contentOf(type, body, full),
		proxiable,
		proxied,
		// A proxied record's TTL is automatic whatever was sent.
		ttl: proxied ? 1 : ttlOf(body.ttl),
		settings: isObject(body.settings) ? body.settings : {},
		comment: commentOf(body.comment),
		tags: tagsOf(body.tags),
		created_on: before?.created_on ?? at,
		modified_on: at
	};
	if (type === 'MX' || type === 'URI') record.priority = priorityOf(body.priority);
	if (isObject(body.data)) record.data = body.data;
	return record;
}

function contentOf(type: string, body: Record<string, unknown>, name: string): string {
	const content = body.content ?? (isObject(body.data) ? fromData(type, body.data) : undefined);
	if (typeof content !== 'string' || content === '') {
		refuse(9101, `content is a required field for ${type} records.`);
	}
	switch (type) {
		case 'A':
			if (!isIPv4(content)) refuse(9005, 'Content for A record must be a valid IPv4 address.');
			return content;
		case 'AAAA':
			if (!isIPv6(content)) refuse(9006, 'Content for AAAA record must be a valid IPv6 address.');
			return content.toLowerCase();
		case 'CNAME':
		case 'MX':
		case 'NS': {
			const target = content.toLowerCase().replace(/\.$/, '');
			if (!isHostname(target)) refuse(9007, `Content for ${type} record is invalid.`);
			if (type === 'CNAME' && target === name) {
				refuse(9039, 'A CNAME record cannot reference itself.');
			}
			return target;
		}
		default:
			return content;
	}
}

function fromData(type: string, data: Record<string, unknown>): string {
	const order: Record<string, string[]> = {
		SRV: ['weight', 'port', 'target'],
		CAA: ['flags', 'tag', 'value']
	};
	const values = order[type]?.map((key) => data[key]) ?? Object.values(data);
	return type === 'CAA'
		? `${String(values[0])} ${String(values[1])} "${String(values[2])}"`
		: values.map(String).join(' ');
}

function ttlOf(ttl: unknown): number {
	if (ttl === undefined || ttl === null) return 1;
	if (typeof ttl !== 'number' || (ttl !== 1 && (ttl < 60 || ttl > 86_400))) {
		refuse(9021, 'Invalid TTL. Must be between 60 and 86,400 seconds, or 1 for Automatic.');
	}
	return ttl;
}

function commentOf(comment: unknown): string | null {
	if (comment === undefined || comment === null || comment === '') return null;
	if (typeof comment !== 'string') refuse(9085, 'Comment is invalid.');
	if (comment.length > LONGEST_COMMENT) {
		refuse(9085, `Comment must be ${LONGEST_COMMENT} characters or less.`);
	}
	return comment;
}

function tagsOf(tags: unknown): string[] {
	if (tags === undefined || tags === null) return [];
	if (!Array.isArray(tags)) refuse(9090, 'Tags are invalid.');
	return tags.map((tag: unknown) => {
		if (typeof tag !== 'string' || !/^[\w-]{1,32}:[^\s]{0,100}$/.test(tag)) {
			refuse(9090, 'Tags must have the form name:value.');
		}
		return tag;
	});
}

function priorityOf(priority: unknown): number {
	if (typeof priority !== 'number' || priority < 0 || priority > 65_535) {
		refuse(9103, 'priority is a required field for this record type.');
	}
	return priority;
}

/** Refuses a record that cannot live beside the others of its name. @throws ApiError 400 with 81053, 81057 or 81058 */
export function refuseConflicts(record: DnsRecord, others: DnsRecord[]): void {
	const same = others.filter((other) => other.id !== record.id && other.name === record.name);
	const isHost = PROXIABLE.has(record.type);
	const hosts = same.filter((other) => PROXIABLE.has(other.type));
	if (isHost && [record, ...hosts].some(({ type }) => type === 'CNAME') && hosts.length > 0) {
		refuse(81053, 'An A, AAAA, or CNAME record with that host already exists.');
	}
	const twin = same.find((other) => other.type === record.type && other.content === record.content);
	if (!twin) return;
	if (twin.ttl === record.ttl && twin.proxied === record.proxied) {
		refuse(81058, 'An identical record already exists.');
	}
	refuse(81057, 'The record already exists.');
}

/** Whether a record meets the list's dotted filters (`name.exact`) and the old plain ones (`name`). */
export function recordFilter(query: URLSearchParams): (record: DnsRecord) => boolean {
	const tests: ((record: DnsRecord) => boolean)[] = [];
	const fields: Record<string, (record: DnsRecord) => string[]> = {
		name: (record) => [record.name],
		content: (record) => [record.content],
		comment: (record) => (record.comment === null ? [] : [record.comment]),
		tag: (record) => record.tags
	};
	for (const [key, value] of query) {
		const [field = '', how = 'exact'] = key.split('.');
		const of = fields[field];
		const test = of && comparison(how, value.toLowerCase());
		if (of && test) tests.push((record) => test(of(record).map((text) => text.toLowerCase())));
	}
	const type = query.get('type');
	if (type) tests.push((record) => record.type === type);
	const proxied = query.get('proxied');
	if (proxied) tests.push((record) => String(record.proxied) === proxied);
	const search = query.get('search')?.toLowerCase();
	if (search) tests.push((record) => JSON.stringify(record).toLowerCase().includes(search));
	if (tests.length === 0) return () => true;
	return query.get('match') === 'any'
		? (record) => tests.some((test) => test(record))
		: (record) => tests.every((test) => test(record));
}

function comparison(how: string, value: string): ((texts: string[]) => boolean) | null {
	switch (how) {
		case 'exact':
			return (texts) => texts.includes(value);
		case 'contains':
			return (texts) => texts.some((text) => text.includes(value));
		case 'startswith':
			return (texts) => texts.some((text) => text.startsWith(value));
		case 'endswith':
			return (texts) => texts.some((text) => text.endsWith(value));
		case 'present':
			return (texts) => texts.length > 0;
		case 'absent':
			return (texts) => texts.length === 0;
		default:
			return null;
	}
}
