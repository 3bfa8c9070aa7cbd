import { z } from 'zod';
import type { Caller } from './call.server.ts';
import type { CloudflareClient } from './client.server.ts';
import { goneIsFine } from './records.server.ts';
import {
	customHostnameSchema,
	fallbackOriginSchema,
	type CertificateAuthority,
	type CustomHostname,
	type FallbackOrigin
} from './types.ts';

const PER_PAGE = 50;

export interface WantedSsl {
	method: 'http' | 'txt';
	/** Cloudflare chooses when it is left out. */
	authority?: CertificateAuthority | undefined;
}

function sslOf({ method, authority }: WantedSsl) {
	return {
		method,
		type: 'dv' as const,
		...(authority && { certificate_authority: authority })
	};
}

/** Customers' own domains (Cloudflare for SaaS). */
export function customHostnames(client: CloudflareClient, call: Caller) {
	const result = z.looseObject({ result: customHostnameSchema });
	return {
		get: (zoneId: string, id: string): Promise<CustomHostname> =>
			call.read({ operation: 'hostnames.get', request: { zoneId, id } }, async (options) =>
				customHostnameSchema.parse(
					await client.customHostnames.get(id, { zone_id: zoneId }, options)
				)
			),
		findByName: (zoneId: string, hostname: string): Promise<CustomHostname | null> =>
			call.read({ operation: 'hostnames.find', request: { zoneId, hostname } }, async (options) => {
				const query = { zone_id: zoneId, hostname: { exact: hostname }, per_page: PER_PAGE };
				for await (const one of client.customHostnames.list(query, options)) {
					return customHostnameSchema.parse(one);
				}
				return null;
			}),
		/** Every one of the zone, fifty a call. */
		list: (zoneId: string): Promise<CustomHostname[]> =>
			call.read({ operation: 'hostnames.list', request: { zoneId } }, async (options) => {
				const found: CustomHostname[] = [];
				const query = { zone_id: zoneId, per_page: PER_PAGE };
				for await (const one of client.customHostnames.list(query, options)) {
					found.push(customHostnameSchema.parse(one));
				}
				return found;
			}),
		/** @throws CloudflareError `duplicate` (1406) when it exists: read it */
		create: (zoneId: string, hostname: string, ssl: WantedSsl): Promise<CustomHostname> => {
			const body = { hostname, ssl: sslOf(ssl) };
			return call.change(
				{ operation: 'hostnames.create', key: hostname, request: { zoneId, ...body } },
				async (options) =>
					customHostnameSchema.parse(
						await client.customHostnames.create({ zone_id: zoneId, ...body }, options)
					)
			);
		},
		/** Starts the certificate's validation again. */
		revalidate: (zoneId: string, id: string, ssl: WantedSsl): Promise<CustomHostname> =>
			call.change(
				{ operation: 'hostnames.revalidate', request: { zoneId, id, ssl } },
				async (options) => {
					const body = { ssl: sslOf(ssl) };
					const path = `/zones/${zoneId}/custom_hostnames/${id}`;
					return result.parse(await client.patch(path, { body, ...options })).result;
				}
			),
		delete: (zoneId: string, id: string): Promise<{ deleted: boolean }> =>
			call
				.change({ operation: 'hostnames.delete', request: { zoneId, id } }, async (options) => {
					await client.customHostnames.delete(id, { zone_id: zoneId }, options);
					return { deleted: true };
				})
				.catch(goneIsFine),
		/** The record behind all custom hostnames. @throws CloudflareError `not_found` when none was set */
		fallbackOrigin: (zoneId: string): Promise<FallbackOrigin> =>
			call.read({ operation: 'hostnames.fallback', request: { zoneId } }, async (options) =>
				fallbackOriginSchema.parse(
					await client.customHostnames.fallbackOrigin.get({ zone_id: zoneId }, options)
				)
			),
		/** Leaves the zone without one; none there is as good. */
		clearFallbackOrigin: (zoneId: string): Promise<{ deleted: boolean }> =>
			call
				.change({ operation: 'hostnames.clear_fallback', request: { zoneId } }, async (options) => {
					await client.customHostnames.fallbackOrigin.delete({ zone_id: zoneId }, options);
					return { deleted: true };
				})
				.catch(goneIsFine),
		/** @param origin a proxied record of the zone that leads to the tunnel */
		setFallbackOrigin: (zoneId: string, origin: string): Promise<FallbackOrigin> =>
			call.change(
				{ operation: 'hostnames.set_fallback', request: { zoneId, origin } },
				async (options) =>
					fallbackOriginSchema.parse(
						await client.customHostnames.fallbackOrigin.update({ zone_id: zoneId, origin }, options)
					)
			)
	};
}
