import type { Route, SandboxRequest } from '../kernel/http.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { route } from './auth.ts';
import { ApiError, isObject, jsonBody, ok, paged } from './envelope.ts';
import { recordFilter, recordFrom, refuseConflicts } from './records.ts';
import { cloudflareDocument, timestamp, type DnsRecord, type Zone } from './state.ts';
import { zoneOf } from './zones.ts';

/** Changes on a copy, so that a batch takes effect as a whole or not at all. */
class Draft {
	readonly #zone: Zone;
	readonly #at: string;
	records: DnsRecord[];

	constructor(zone: Zone, records: DnsRecord[], at: string) {
		this.#zone = zone;
		this.#at = at;
		this.records = records;
	}

	find(id: unknown): DnsRecord {
		const found = this.records.find((record) => record.id === id);
		if (!found || found.zone_id !== this.#zone.id) {
			throw new ApiError(404, 81044, 'Record does not exist.');
		}
		return found;
	}

	create(body: Record<string, unknown>): DnsRecord {
		const record = recordFrom(body, this.#zone, this.#at);
		refuseConflicts(record, this.records);
		this.records = [...this.records, record];
		return record;
	}

	replace(id: unknown, body: Record<string, unknown>): DnsRecord {
		const before = this.find(id);
		const record = recordFrom(body, this.#zone, this.#at, before);
		refuseConflicts(record, this.records);
		this.records = this.records.map((one) => (one === before ? record : one));
		return record;
	}

	patch(id: unknown, body: Record<string, unknown>): DnsRecord {
		return this.replace(id, { ...this.find(id), ...body });
	}

	remove(id: unknown): DnsRecord {
		const record = this.find(id);
		this.records = this.records.filter((one) => one !== record);
		return record;
	}
}

function shown({ zone_id: _, ...record }: DnsRecord) {
	return { ...record, meta: {} };
}

/** DNS records of a zone. */
export function recordRoutes(kernel: Kernel): Route[] {
	const document = cloudflareDocument(kernel);
	const path = '/zones/:zone/dns_records';

	const draft = (request: SandboxRequest, zoneId?: string) => {
		const state = document.get();
		return new Draft(zoneOf(state, request, zoneId), state.records, timestamp(kernel));
	};
	const keep = <T>(changed: Draft, result: T) => {
		document.get().records = changed.records;
		document.changed();
		return ok(result);
	};

	return [
		route('GET', path, 'dns:read', (request, { zone: id }) => {
			const state = document.get();
			const zone = zoneOf(state, request, id);
			const matches = recordFilter(request.query);
			const found = state.records.filter((one) => one.zone_id === zone.id && matches(one));
			const order = request.query.get('order');
			if (order === 'name' || order === 'type' || order === 'content') {
				found.sort((a, b) => a[order].localeCompare(b[order]));
			}
			if (request.query.get('direction') === 'desc') found.reverse();
			return paged(request.query, found.map(shown), { usual: 100, most: 5_000_000 });
		}),
		route('POST', `${path}/batch`, 'dns:edit', (request, { zone }) => {
			const body = jsonBody(request);
			const changed = draft(request, zone);
			const each = (key: string, change: (one: Record<string, unknown>) => DnsRecord) => {
				const list = body[key] ?? [];
				if (!Array.isArray(list)) throw new ApiError(400, 9207, `${key} must be a list.`);
				return list.map((one: unknown) => {
					if (!isObject(one)) throw new ApiError(400, 9207, `${key} must hold objects.`);
					return shown(change(one));
				});
			};
			// The order is Cloudflare's: it makes "delete the A, add the CNAME" possible in one call.
			const deletes = each('deletes', (one) => changed.remove(one.id));
			const patches = each('patches', (one) => changed.patch(one.id, one));
			const puts = each('puts', (one) => changed.replace(one.id, one));
			const posts = each('posts', (one) => changed.create(one));
			return keep(changed, { deletes, patches, puts, posts });
		}),
		route('POST', path, 'dns:edit', (request, { zone }) => {
			const changed = draft(request, zone);
			return keep(changed, shown(changed.create(jsonBody(request))));
		}),
		route('GET', `${path}/:record`, 'dns:read', (request, { zone, record }) =>
			ok(shown(draft(request, zone).find(record)))
		),
		route('PUT', `${path}/:record`, 'dns:edit', (request, { zone, record }) => {
			const changed = draft(request, zone);
			return keep(changed, shown(changed.replace(record, jsonBody(request))));
		}),
		route('PATCH', `${path}/:record`, 'dns:edit', (request, { zone, record }) => {
			const changed = draft(request, zone);
			return keep(changed, shown(changed.patch(record, jsonBody(request))));
		}),
		route('DELETE', `${path}/:record`, 'dns:edit', (request, { zone, record }) => {
			const changed = draft(request, zone);
			return keep(changed, { id: changed.remove(record).id });
		})
	];
}
