import { cloudflareDocument, type DnsRecord } from '../cloudflare/state.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { StoreDocument } from '../kernel/store.ts';

export type CustomerRecordType = 'A' | 'AAAA' | 'CNAME' | 'TXT' | 'MX' | 'NS' | 'ALIAS';

/** A record at a customer's registrar. `ALIAS` is the provider's flattening of an apex. */
export interface CustomerRecord {
	id: string;
	/** Whole, lower case, without the last dot. */
	name: string;
	type: CustomerRecordType;
	content: string;
	ttl: number;
	priority?: number;
}

export interface DnsState {
	/** Zones that customers hold elsewhere, edited by the control routes. */
	zones: { name: string; records: CustomerRecord[] }[];
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
}

/** Where a proxied name leads: every address of Cloudflare's is the edge, which listens on loopback. */
export const EDGE_ADDRESS = '127.0.0.1';
const PROXIED_TTL = 300;

/** Looks a name up in the zone that holds it; null when no zone does. @param name lower case, no last dot */
export function lookUp(kernel: Kernel, name: string): ZoneAnswer | null {
	const own = cloudflareDocument(kernel).get();
	const zones = [
		...own.zones.map((zone) => ({
			name: zone.name,
			records: () => own.records.filter(({ zone_id }) => zone_id === zone.id).map(published)
		})),
		...dnsDocument(kernel)
			.get()
			.zones.map((zone) => ({ name: zone.name, records: () => zone.records }))
	].filter((zone) => isWithin(name, zone.name));
	const zone = zones.sort((a, b) => b.name.length - a.name.length)[0];
	if (!zone) return null;
	const all: (Held & { name: string })[] = zone.records();
	const exact = all.filter((record) => record.name === name);
	// A name that has names below it exists without a record of its own (RFC 8020), and hides wildcards.
	const exists =
		exact.length > 0 ||
		name === zone.name ||
		all.some((record) => record.name.endsWith(`.${name}`));
	const records = exists ? exact : wildcard(all, name, zone.name);
	return { zone: zone.name, exists: exists || records.length > 0, records };
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
