import { setTimeout as sleep } from 'node:timers/promises';
import { now } from '#lib/core/clock.server.ts';
import { CloudflareError } from '../../integrations/cloudflare/errors.ts';
import { cloudflareClient } from '../../settings/clients.server.ts';

export type Seen = 'yes' | 'no' | 'unknown';

/** What Cloudflare says this moment of what a base domain needs. */
export interface BaseChecks {
	/** A zone of this name is in our account. */
	zone: Seen;
	zoneId: string | null;
	/** `initializing`, `pending`, `active`, `moved`; null when it was not read. */
	zoneStatus: string | null;
	/** Our token may edit its records. */
	mayEdit: Seen;
	/** The tunnel exists and is not deleted. */
	tunnel: Seen;
	/** Cloudflare's words where something could not be asked. */
	trouble: string | null;
	at: Date;
}

/** A page must not wait longer for a word of somebody else. */
const PATIENCE_MS = 5_000;

/**
 * Asks Cloudflare; never throws for what it does not answer: that is `unknown`.
 * @param place name of the domain, Cloudflare's id of the tunnel
 */
export async function checkBase(place: {
	name: string;
	tunnelCloudflareId: string;
}): Promise<BaseChecks> {
	const client = await cloudflareClient();
	const troubles: string[] = [];
	/** Null: there is none; undefined: nobody knows. */
	const ask = async <T>(send: () => Promise<T | null>): Promise<T | null | undefined> => {
		const end = new AbortController();
		try {
			const late = sleep(PATIENCE_MS, undefined, { signal: end.signal }).then(() => {
				troubles.push('Cloudflare did not answer in time');
				return undefined;
			});
			return await Promise.race([send(), late]);
		} catch (error) {
			if (!(error instanceof CloudflareError)) throw error;
			if (error.kind === 'not_found') return null;
			troubles.push(error.message);
			return undefined;
		} finally {
			end.abort();
		}
	};
	const [zone, tunnel] = await Promise.all([
		ask(async () => (await client.zones.list({ name: place.name }))[0] ?? null),
		ask(async () => {
			const found = await client.tunnels.get(place.tunnelCloudflareId);
			return found.deleted_at ? null : found;
		})
	]);
	const mayEdit = zone ? await ask(() => client.dns.mayEdit(zone.id)) : undefined;
	return {
		zone: seen(zone),
		zoneId: zone?.id ?? null,
		zoneStatus: zone?.status ?? null,
		mayEdit: mayEdit === undefined ? 'unknown' : mayEdit ? 'yes' : 'no',
		tunnel: seen(tunnel),
		trouble: [...new Set(troubles)].join('; ') || null,
		at: now()
	};
}

function seen(found: unknown): Seen {
	if (found === undefined) return 'unknown';
	return found === null ? 'no' : 'yes';
}
