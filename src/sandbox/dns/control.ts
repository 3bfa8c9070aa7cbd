import { randomUUID } from 'node:crypto';
import { isObject } from '../cloudflare/envelope.ts';
import type { Route, SandboxRequest } from '../kernel/http.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { resolve } from './resolve.ts';
import { dnsDocument, isWithin, type CustomerRecord, type CustomerRecordType } from './zones.ts';

const TYPES: CustomerRecordType[] = ['A', 'AAAA', 'CNAME', 'TXT', 'MX', 'NS', 'ALIAS'];

const refused = (message: string) => ({ status: 400, body: { error: message } });

/** The customers' registrars: `POST /__sandbox/dns/records {name,type,content,ttl?,priority?,zone?}`, `DELETE …/:id`, `GET /__sandbox/dns`. */
export function dnsControlRoutes(kernel: Kernel): Route[] {
	const document = dnsDocument(kernel);
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
				const record = recordFrom(request);
				if (typeof record === 'string') return refused(record);
				const zones = document.get().zones;
				const zoneName = record.zone ?? registered(record.record.name);
				if (!isWithin(record.record.name, zoneName)) return refused('name is outside of the zone');
				let zone = zones.find(({ name }) => name === zoneName);
				if (!zone) zones.push((zone = { name: zoneName, records: [] }));
				const rivals = zone.records.filter(({ name }) => name === record.record.name);
				const isAlias = [record.record, ...rivals].some(({ type }) => type === 'CNAME');
				if (isAlias && rivals.length > 0) return refused('a CNAME stands alone at its name');
				zone.records.push(record.record);
				document.changed();
				return { status: 200, body: record.record };
			}
		},
		{
			method: 'DELETE',
			path: '/__sandbox/dns/records/:id',
			run: (_request, { id }) => {
				const zone = document
					.get()
					.zones.find(({ records }) => records.some((one) => one.id === id));
				if (!zone) return { status: 404, body: { error: 'no such record' } };
				zone.records = zone.records.filter((record) => record.id !== id);
				document.changed();
				return { status: 200, body: { id } };
			}
		}
	];
}

function recordFrom(request: SandboxRequest): { record: CustomerRecord; zone?: string } | string {
	let body: unknown;
	try {
		body = JSON.parse(request.body.toString('utf8'));
	} catch {
		return 'the body is not JSON';
	}
	if (!isObject(body)) return 'the body is not an object';
	const { name, type, content, ttl, priority, zone } = body;
	if (typeof name !== 'string' || !name.includes('.')) return 'name must be a whole name';
	if (typeof content !== 'string' || content === '') return 'content is missing';
	const known = TYPES.find((one) => one === type);
	if (!known) return `type must be one of ${TYPES.join(', ')}`;
	const isName = known === 'CNAME' || known === 'ALIAS' || known === 'NS' || known === 'MX';
	return {
		record: {
			id: randomUUID(),
			name: name.toLowerCase().replace(/\.$/, ''),
			type: known,
			content: isName ? content.toLowerCase().replace(/\.$/, '') : content,
			ttl: typeof ttl === 'number' ? ttl : 300,
			...(typeof priority === 'number' ? { priority } : {})
		},
		...(typeof zone === 'string' ? { zone: zone.toLowerCase() } : {})
	};
}

/** The registered domain of a name, by its last two labels; three below the usual second-level registries (`com.do`). */
function registered(name: string): string {
	const labels = name.split('.');
	const second = labels.at(-2) ?? '';
	const deep = ['com', 'net', 'org', 'gob', 'gov', 'edu', 'co', 'web'].includes(second);
	const count = deep && labels.at(-1)?.length === 2 && labels.length > 2 ? 3 : 2;
	return labels.slice(-count).join('.');
}
