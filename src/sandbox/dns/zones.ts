import { cloudflareDocument, type DnsRecord } from '../cloudflare/state.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { StoreDocument } from '../kernel/store.ts';

export type CustomerRecordType = 'A' | 'AAAA' | 'CNAME' | 'TXT' | 'MX' | 'NS' | 'CAA' | 'ALIAS';

/** A record at a customer's registrar. `ALIAS` is the provider's flattening of an apex. */
export interface CustomerRecord {
	id: string;
	/** Whole, lower case, without the last dot. */
	name: string;
	type: CustomerRecordType;
	/** TXT: one string, or several in quotes (`"a" "b"`). CAA: `0 issue "letsencrypt.org"`. */
	content: string;
	ttl: number;
	priority?: number;
}

/** `broken`: signatures that do not fit, so that resolvers which check them answer SERVFAIL. */
export type Signed = 'none' | 'fine' | 'broken';

/** A zone that a customer holds elsewhere. */
export interface CustomerZone {
	name: string;
	records: CustomerRecord[];
	signed?: Signed;
	/** Its name servers do not answer. */
	silent?: boolean;
	/** Seconds that a resolver may remember what is not there; also the minimum of the SOA. */
	negativeTtl?: number;
}

export interface DnsState {
	/** Zones that customers hold elsewhere, edited by the control routes. */
	zones: CustomerZone[];
	/** The resolver remembers what was not there, as real ones do. */
	negativeCache?: boolean;
}

const documents = new WeakMap<Kernel, StoreDocument<DnsState>>();

/** The customers' zones of a sandbox. */
export function dnsDocument(kernel: Kernel): StoreDocument<DnsState> {
	let document = documents.get(kernel);
	if (!document) {
		document = kernel.store.document('dns', (): DnsState => ({ zones: [] }));
		documents.set(kernel, document);
	}
	return document;
}

/** What is held at one name, whoever holds the zone. */
export interface Held {
	type: string;
	content: string;
	ttl: number;
	priority?: number;
}

export interface ZoneAnswer {
	zone: string;
	/** The name exists: a name without records of the asked type is "no data", not "no such domain". */
	exists: boolean;
	records: Held[];
	signed: Signed;
	silent: boolean;
	negativeTtl: number;
}

/** Where a proxied name leads: every address of Cloudflare's is the edge, which listens on loopback. */
export const EDGE_ADDRESS = '127.0.0.1';
/** Where registrars lead a name that nobody uses: the edge answers for it with a parking page. */
export const PARKING_ADDRESS = '198.51.100.1';
/** The name server of every customer's zone that names no other, and its address: the sandbox's DNS. */
export const REGISTRAR_NAMESERVER = 'ns1.registrar.test';
export const NAMESERVER_ADDRESS = '127.0.0.1';
const PROXIED_TTL = 300;
const NAMESERVER_TTL = 3600;
const NEGATIVE_TTL = 60;

interface Zone extends Omit<ZoneAnswer, 'zone' | 'exists' | 'records'> {
	name: string;
	records: () => (Held & { name: string })[];
	nameservers: string[];
}

/** Looks a name up in the zone that holds it; null when no zone does. @param name lower case, no last dot */
export function lookUp(kernel: Kernel, name: string): ZoneAnswer | null {
	const zone = zoneOf(kernel, name);
	if (!zone) return null;
	const all = zone.records();
	const exact = all.filter((record) => record.name === name);
	// A name that has names below it exists without a record of its own (RFC 8020), and hides wildcards.
	const exists =
		exact.length > 0 ||
		name === zone.name ||
		all.some((record) => record.name.endsWith(`.${name}`));
	const records: Held[] = exists ? exact : wildcard(all, name, zone.name);
	const { signed, silent, negativeTtl } = zone;
	const answer = { zone: zone.name, exists: exists || records.length > 0, signed, silent };
	if (name !== zone.name) return { ...answer, records, negativeTtl };
	const apex = [...records, soa(zone)];
	if (!records.some(({ type }) => type === 'NS')) {
		const servers = zone.nameservers.map((content) => ({ type: 'NS', content }));
		apex.push(...servers.map((server) => ({ ...server, ttl: NAMESERVER_TTL })));
	}
	return { ...answer, records: apex, negativeTtl };
}

function zoneOf(kernel: Kernel, name: string): Zone | null {
	const own = cloudflareDocument(kernel).get();
	const usual = { signed: 'none', silent: false, negativeTtl: NEGATIVE_TTL } as const;
	const zones: Zone[] = [
		...own.zones.map((zone) => ({
			...usual,
			name: zone.name,
			nameservers: zone.name_servers,
			records: () => own.records.filter(({ zone_id }) => zone_id === zone.id).map(published)
		})),
		...dnsDocument(kernel)
			.get()
			.zones.map((zone) => ({
				name: zone.name,
				nameservers: [REGISTRAR_NAMESERVER],
				records: () => zone.records,
				signed: zone.signed ?? usual.signed,
				silent: zone.silent ?? usual.silent,
				negativeTtl: zone.negativeTtl ?? usual.negativeTtl
			}))
	].filter((zone) => isWithin(name, zone.name));
	return zones.sort((a, b) => b.name.length - a.name.length)[0] ?? null;
}

export function isWithin(name: string, zone: string): boolean {
	return name === zone || name.endsWith(`.${zone}`);
}

function wildcard<T extends { name: string }>(all: T[], name: string, zone: string): T[] {
	let parent = name.slice(name.indexOf('.') + 1);
	while (isWithin(parent, zone)) {
		const found = all.filter((record) => record.name === `*.${parent}`);
		if (found.length > 0) return found;
		parent = parent.slice(parent.indexOf('.') + 1);
	}
	return [];
}

/** A record as the world sees it: the content of a proxied one is hidden. */
function published(record: DnsRecord): Held & { name: string } {
	const { name } = record;
	if (record.proxied) return { name, type: 'A', content: EDGE_ADDRESS, ttl: PROXIED_TTL };
	const ttl = record.ttl === 1 ? PROXIED_TTL : record.ttl;
	return { name, type: record.type, content: record.content, ttl, priority: record.priority };
}

function soa({ name, nameservers, negativeTtl }: Zone): Held {
	const [first = `ns1.${name}`] = nameservers;
	const content = `${first} dns.${name} 2026010100 10000 2400 604800 ${negativeTtl}`;
	return { type: 'SOA', content, ttl: negativeTtl };
}
