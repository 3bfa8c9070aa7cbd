import type { Caller } from './call.server.ts';
import type { CloudflareClient } from './client.server.ts';
import { zoneSchema, type Zone } from './types.ts';

const PER_PAGE = 50;

export function zones(client: CloudflareClient, call: Caller) {
	return {
		/** All zones that the token sees. @param filter name: exact */
		list: (filter: { name?: string } = {}): Promise<Zone[]> =>
			call.read({ operation: 'zones.list', request: filter }, async (options) => {
				const found: Zone[] = [];
				const query = { ...filter, per_page: PER_PAGE };
				for await (const zone of client.zones.list(query, options)) {
					found.push(zoneSchema.parse(zone));
				}
				return found;
			}),
		get: (zoneId: string): Promise<Zone> =>
			call.read({ operation: 'zones.get', request: { zoneId } }, async (options) =>
				zoneSchema.parse(await client.zones.get({ zone_id: zoneId }, options))
			)
	};
}
