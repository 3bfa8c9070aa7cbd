import type { RecordListParams } from 'cloudflare/resources/dns/records';
import { z } from 'zod';
import type { Caller } from './call.server.ts';
import type { CloudflareClient } from './client.server.ts';
import { CloudflareError } from './errors.ts';
import { dnsRecordSchema, type DnsRecord } from './types.ts';

export interface NewCname {
	zoneId: string;
	/** The whole host name. */
	name: string;
	/** `<tunnel id>.cfargotunnel.com` for a tenant. */
	target: string;
	/** The mark by which we know our record again. At most 100 characters on the free plan. */
	comment: string;
	/** True by default: only a proxied record reaches a tunnel. */
	proxied?: boolean;
}

/** A record as it is to be made. */
export interface NewRecord {
	name: string;
	type: 'CNAME' | 'A' | 'AAAA';
	content: string;
	proxied: boolean;
	comment: string;
}

/** What one call changes, as a whole or not at all, in this order. */
export interface RecordBatch {
	deletes: { id: string }[];
	/** Where they lead; name, type and comment stay. */
	patches: { id: string; content: string; proxied: boolean }[];
	posts: NewRecord[];
}

const PER_PAGE = 1000;

export function dns(client: CloudflareClient, call: Caller) {
	const list = (
		operation: string,
		query: RecordListParams,
		request: unknown
	): Promise<DnsRecord[]> =>
		call.read({ operation, request }, async (options) => {
			const found: DnsRecord[] = [];
			const whole = { ...query, per_page: PER_PAGE };
			for await (const record of client.dns.records.list(whole, options)) {
				found.push(dnsRecordSchema.parse(record));
			}
			return found;
		});

	return {
		/** All records of a zone, a thousand a call. */
		list: (zoneId: string): Promise<DnsRecord[]> =>
			list('dns.list', { zone_id: zoneId }, { zoneId }),
		/** Null when there is none of this id any more. */
		get: (zoneId: string, recordId: string): Promise<DnsRecord | null> =>
			call
				.read({ operation: 'dns.get', request: { zoneId, recordId } }, async (options) =>
					dnsRecordSchema.parse(
						await client.dns.records.get(recordId, { zone_id: zoneId }, options)
					)
				)
				.catch((error: unknown) => {
					if (error instanceof CloudflareError && error.kind === 'not_found') return null;
					throw error;
				}),
		/**
		 * Whether the token may edit records there: an empty batch changes nothing, and is refused before it is read by
		 * who may not.
		 */
		mayEdit: async (zoneId: string): Promise<boolean> => {
			try {
				await call.read({ operation: 'dns.probe', request: { zoneId } }, (options) =>
					client.post(`/zones/${zoneId}/dns_records/batch`, {
						body: { deletes: [], patches: [], puts: [], posts: [] },
						...options
					})
				);
				return true;
			} catch (error) {
				if (!(error instanceof CloudflareError)) throw error;
				if (error.kind === 'unauthorized') return false;
				// That there is nothing in it is said to those alone who may.
				if (error.kind === 'invalid') return true;
				throw error;
			}
		},
		/**
		 * Changes many records at once: all of it happens, or nothing.
		 * @throws CloudflareError with the reason of the one record that was refused
		 */
		batch: (zoneId: string, { deletes, patches, posts }: RecordBatch): Promise<void> =>
			call.change(
				{ operation: 'dns.batch', request: { zoneId, deletes, patches, posts } },
				async (options) => {
					const made = posts.map((record) => ({ ...record, ttl: 1 }));
					await client.post(`/zones/${zoneId}/dns_records/batch`, {
						body: { deletes, patches, posts: made },
						...options
					});
				}
			),
		/** @throws CloudflareError `duplicate` when a record is in the way: read it and compare its comment */
		create: (zoneId: string, record: NewRecord): Promise<DnsRecord> =>
			call.change(
				{ operation: 'dns.create', key: record.comment, request: { zoneId, ...record } },
				async (options) =>
					dnsRecordSchema.parse(
						await client.dns.records.create({ zone_id: zoneId, ...record, ttl: 1 }, options)
					)
			),
		/** Changes where a record leads; its name, type and comment stay. */
		change: (
			zoneId: string,
			{ id, content, proxied }: { id: string; content: string; proxied: boolean }
		): Promise<DnsRecord> =>
			call.change(
				{ operation: 'dns.update', request: { zoneId, recordId: id, content, proxied } },
				async (options) => {
					const answer = await client.patch(`/zones/${zoneId}/dns_records/${id}`, {
						body: { content, proxied },
						...options
					});
					return z.looseObject({ result: dnsRecordSchema }).parse(answer).result;
				}
			),
		/** All records of exactly this name, of every type: what would be in the way of ours too. */
		findByName: (zoneId: string, name: string): Promise<DnsRecord[]> =>
			list('dns.find', { zone_id: zoneId, name: { exact: name } }, { zoneId, name }),
		/** The records whose comment holds a mark: all of ours, or those of one run. */
		findByComment: (zoneId: string, mark: string): Promise<DnsRecord[]> =>
			list('dns.find_marked', { zone_id: zoneId, comment: { contains: mark } }, { zoneId, mark }),
		/** @throws CloudflareError `duplicate` when a record is in the way: read it and compare its comment */
		createCname: ({ zoneId, name, target, comment, proxied = true }: NewCname) => {
			const body = { type: 'CNAME', name, content: target, proxied, ttl: 1, comment } as const;
			return call.change(
				{ operation: 'dns.create', key: comment, request: { zoneId, ...body } },
				async (options): Promise<DnsRecord> =>
					dnsRecordSchema.parse(
						await client.dns.records.create({ zone_id: zoneId, ...body }, options)
					)
			);
		},
		/** Points a record of ours elsewhere, through the proxy; its name, type and comment stay. */
		setTarget: (zoneId: string, recordId: string, target: string): Promise<DnsRecord> =>
			call.change(
				{ operation: 'dns.update', request: { zoneId, recordId, target } },
				async (options) => {
					// Not the SDK's `edit`: its type asks for name, type and TTL, which PATCH does not.
					const answer = await client.patch(`/zones/${zoneId}/dns_records/${recordId}`, {
						body: { content: target, proxied: true },
						...options
					});
					return z.looseObject({ result: dnsRecordSchema }).parse(answer).result;
				}
			),
		/** Deletes by id. A record that is gone already is as good: `deleted` is then false. */
		delete: (zoneId: string, recordId: string): Promise<{ deleted: boolean }> =>
			call
				.change({ operation: 'dns.delete', request: { zoneId, recordId } }, async (options) => {
					await client.dns.records.delete(recordId, { zone_id: zoneId }, options);
					return { deleted: true };
				})
				.catch(goneIsFine)
	};
}

/** Turns "not found" of a deletion into its result. */
export function goneIsFine(error: unknown): { deleted: false } {
	if (error instanceof CloudflareError && error.kind === 'not_found') return { deleted: false };
	throw error;
}
