import { randomUUID } from 'node:crypto';
import { isIPv4, isIPv6 } from 'node:net';
import { isObject } from '../cloudflare/envelope.ts';
import type { Route, SandboxRequest, SandboxResponse } from '../kernel/http.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { parseCaa } from './message.ts';
import { resolve } from './resolve.ts';
import {
	dnsDocument,
	isWithin,
	type CustomerRecord,
	type CustomerRecordType,
	type CustomerZone,
	type Signed
} from './zones.ts';

export const RECORD_TYPES: CustomerRecordType[] = [
	...(['CNAME', 'A', 'AAAA', 'TXT', 'MX', 'NS', 'CAA', 'ALIAS'] as const)
];
export const SIGNED: Signed[] = ['none', 'fine', 'broken'];

const refused = (message: string): SandboxResponse => ({ status: 400, body: { error: message } });
const missing = (what: string): SandboxResponse => ({
	status: 404,
	body: { error: `no such ${what}` }
});

/** The customers' registrars: their zones and records; see ../cloudflare/README.md for the routes. */
export function dnsControlRoutes(kernel: Kernel): Route[] {
	const document = dnsDocument(kernel);
	const zoneNamed = (name: string): CustomerZone => {
		const { zones } = document.get();
		let zone = zones.find((one) => one.name === name);
		if (!zone) zones.push((zone = { name, records: [] }));
		return zone;
	};
	const add = (found: { record: CustomerRecord; zone?: string }): SandboxResponse => {
		const { record } = found;
		const zoneName = found.zone ?? holding(document.get().zones, record.name);
		if (!isWithin(record.name, zoneName)) return refused('name is outside of the zone');
		const zone = zoneNamed(zoneName);
		const rivals = zone.records.filter(({ name }) => name === record.name);
		const isAlias = [record, ...rivals].some(({ type }) => type === 'CNAME');
		if (isAlias && rivals.length > 0) return refused('a CNAME stands alone at its name');
		zone.records.push(record);
		document.changed();
		return { status: 200, body: record };
	};
	const zoneOfRecord = (id: string | undefined) =>
		document.get().zones.find(({ records }) => records.some((one) => one.id === id));

	return [
		{
			method: 'GET',
			path: '/__sandbox/dns',
			run: () => ({ status: 200, body: document.get() })
		},
		{
			method: 'GET',
			path: '/__sandbox/dns/resolve',
			run: ({ query }) => {
				const type = query.get('type') ?? 'A';
				return { status: 200, body: resolve(kernel, query.get('name') ?? '', type) };
			}
		},
		{
			method: 'POST',
			path: '/__sandbox/dns/records',
			run: (request) => {
				const body = json(request);
				const record = typeof body === 'string' ? body : recordFrom(body);
				return typeof record === 'string' ? refused(record) : add(record);
			}
		},
		{
			method: 'PUT',
			path: '/__sandbox/dns/records/:id',
			run: (request, { id }) => {
				const body = json(request);
				if (typeof body === 'string') return refused(body);
				const record = zoneOfRecord(id)?.records.find((one) => one.id === id);
				if (!record) return missing('record');
				const changed = recordFrom({ ...record, ...body, name: record.name, type: record.type });
				if (typeof changed === 'string') return refused(changed);
				Object.assign(record, changed.record, { id });
				document.changed();
				return { status: 200, body: record };
			}
		},
		{
			method: 'DELETE',
			path: '/__sandbox/dns/records/:id',
			run: (_request, { id }) => {
				const zone = zoneOfRecord(id);
				if (!zone) return missing('record');
				zone.records = zone.records.filter((record) => record.id !== id);
				document.changed();
				return { status: 200, body: { id } };
			}
		},
		{
			method: 'POST',
			path: '/__sandbox/dns/zones',
			run: (request) => {
				const body = json(request);
				const change = typeof body === 'string' ? body : zoneFrom(body);
				if (typeof change === 'string') return refused(change);
				const zone = Object.assign(zoneNamed(change.name), change);
				document.changed();
				return { status: 200, body: zone };
			}
		},
		{
			method: 'DELETE',
			path: '/__sandbox/dns/zones/:name',
			run: (_request, { name }) => {
				const state = document.get();
				const rest = state.zones.filter((zone) => zone.name !== name);
				if (rest.length === state.zones.length) return missing('zone');
				state.zones = rest;
				document.changed();
				return { status: 200, body: { name } };
			}
		},
		{
			method: 'POST',
			path: '/__sandbox/dns/negative-cache',
			run: (request) => {
				const body = json(request);
				const on = typeof body === 'string' ? undefined : flag(body.on);
				if (on === undefined) return refused('on must be true or false');
				document.get().negativeCache = on;
				document.changed();
				return { status: 200, body: { on } };
			}
		}
	];
}

function json(request: SandboxRequest): Record<string, unknown> | string {
	let body: unknown;
	try {
		body = JSON.parse(request.body.toString('utf8'));
	} catch {
		return 'the body is not JSON';
	}
	return isObject(body) ? body : 'the body is not an object';
}

/** The console's forms send words. */
function flag(value: unknown): boolean | undefined {
	if (value === true || value === 'true') return true;
	return value === false || value === 'false' ? false : undefined;
}

function zoneFrom(
	body: Record<string, unknown>
): (Partial<CustomerZone> & { name: string }) | string {
	const { name, negative_ttl: ttl } = body;
	if (typeof name !== 'string' || !name.includes('.')) return 'name must be a whole name';
	const signed = SIGNED.find((one) => one === body.signed);
	if (body.signed !== undefined && !signed) return `signed must be one of ${SIGNED.join(', ')}`;
	const silent = flag(body.silent);
	if (body.silent !== undefined && silent === undefined) return 'silent must be true or false';
	if (ttl !== undefined && typeof ttl !== 'number') return 'negative_ttl must be a number';
	return {
		name: bare(name),
		...(signed ? { signed } : {}),
		...(silent === undefined ? {} : { silent }),
		...(ttl === undefined ? {} : { negativeTtl: ttl })
	};
}

const bare = (name: string): string => name.trim().toLowerCase().replace(/\.$/, '');

function recordFrom(
	body: Record<string, unknown>
): { record: CustomerRecord; zone?: string } | string {
	const { name, type, ttl, priority, zone } = body;
	if (typeof name !== 'string' || !name.includes('.')) return 'name must be a whole name';
	if (typeof body.content !== 'string' || body.content.trim() === '') return 'content is missing';
	const known = RECORD_TYPES.find((one) => one === type);
	if (!known) return `type must be one of ${RECORD_TYPES.join(', ')}`;
	const isName = known === 'CNAME' || known === 'ALIAS' || known === 'NS' || known === 'MX';
	const content = isName ? bare(body.content) : body.content.trim();
	if (known === 'A' && !isIPv4(content)) return 'content must be an IPv4 address';
	if (known === 'AAAA' && !isIPv6(content)) return 'content must be an IPv6 address';
	if (known === 'CAA' && !parseCaa(content)) return 'content must be like: 0 issue "authority"';
	return {
		record: {
			id: randomUUID(),
			name: bare(name),
			type: known,
			content,
			ttl: typeof ttl === 'number' ? ttl : 300,
			...(typeof priority === 'number' ? { priority } : {})
		},
		...(typeof zone === 'string' && zone !== '' ? { zone: bare(zone) } : {})
	};
}

/** The deepest zone there is for a name, else the registered domain. */
function holding(zones: CustomerZone[], name: string): string {
	const within = zones.map((zone) => zone.name).filter((zone) => isWithin(name, zone));
	return within.sort((a, b) => b.length - a.length)[0] ?? registered(name);
}

/** The registered domain of a name, by its last two labels; three below the usual second-level registries (`com.do`). */
function registered(name: string): string {
	const labels = name.split('.');
	const second = labels.at(-2) ?? '';
	const deep = ['com', 'net', 'org', 'gob', 'gov', 'edu', 'co', 'web'].includes(second);
	const count = deep && labels.at(-1)?.length === 2 && labels.length > 2 ? 3 : 2;
	return labels.slice(-count).join('.');
}
