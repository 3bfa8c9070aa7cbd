import { AppError } from '#lib/core/errors.ts';
import { cloudflareClient } from '../../settings/clients.server.ts';
import { ensureRecord, foreignRecord, removeRecord } from '../records/dns.server.ts';
import type { DomainDriverActs, DomainPlace, WayIn } from './drivers.ts';
import { zonesOf } from './domainNames.ts';

/**
 * The domain's own zone stands in our Cloudflare account: the record is ours to make, and Cloudflare's universal
 * certificate covers the zone's name and what is one level below it.
 */
export const accountCnameDriver: DomainDriverActs = {
	// The customer has nothing to set but the token.
	records: () => Promise.resolve([]),
	expected: () => Promise.resolve({ target: null, addresses: [], authorities: [] }),

	async ensure(place, { calm }) {
		const { domain, tunnel } = place;
		const client = await clientOf(place, calm ? 'sync' : 'user');
		const zone = await zoneOf(client, domain.hostname);
		if (!zone)
			return blocked('zone_missing', { domain: zonesOf(domain.hostname)[0] ?? domain.hostname });
		try {
			await ensureRecord(client, {
				owner: { kind: 'domain', id: domain.id },
				customerId: domain.customerId,
				zoneId: zone.id,
				name: domain.hostname,
				tunnelCloudflareId: tunnel.cloudflareId
			});
		} catch (error) {
			if (!(error instanceof AppError && error.code === 'NAME_TAKEN')) throw error;
			const foreign = await foreignRecord(client, zone.id, domain.hostname);
			return blocked('record_in_the_way', {
				name: domain.hostname,
				type: foreign?.type ?? '',
				content: foreign?.content ?? ''
			});
		}
		const isDeep = domain.hostname.split('.').length - zone.name.split('.').length > 1;
		const isLive = zone.status === 'active' && !zone.paused;
		return {
			...{ configured: true, routed: isLive, issuer: null, expiresAt: null, facts: {} },
			certificate: isDeep ? 'error' : isLive ? 'active' : 'pending',
			findings: isDeep
				? [
						{
							code: 'certificate_refused',
							of: 'certificate',
							blocks: true,
							params: { detail: `*.${zone.name}` }
						}
					]
				: []
		};
	},

	async remove(place) {
		await removeRecord(await clientOf(place, 'user'), { kind: 'domain', id: place.domain.id });
	}
};

function clientOf({ domain }: DomainPlace, lane: 'user' | 'sync') {
	return cloudflareClient({ subjectId: domain.id, customerId: domain.customerId }, lane);
}

/** The zone of our account that holds the name: the longest one that fits. */
async function zoneOf(client: Awaited<ReturnType<typeof clientOf>>, hostname: string) {
	for (const name of zonesOf(hostname)) {
		const [zone] = await client.zones.list({ name });
		if (zone) return zone;
	}
	return null;
}

function blocked(
	code: 'zone_missing' | 'record_in_the_way',
	params: Record<string, string>
): WayIn {
	return {
		...{ configured: false, routed: false, certificate: 'none', issuer: null, expiresAt: null },
		findings: [{ code, of: 'routing', blocks: true, params }],
		facts: {}
	};
}
