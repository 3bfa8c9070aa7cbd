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
