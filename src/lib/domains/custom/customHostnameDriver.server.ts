import { DAY, HOUR, now } from '#lib/core/clock.server.ts';
import { db } from '#lib/core/db.server.ts';
import type { Cloudflare } from '../../integrations/cloudflare/cloudflare.server.ts';
import { CloudflareError } from '../../integrations/cloudflare/errors.ts';
import type { CertificateAuthority, CustomHostname } from '../../integrations/cloudflare/types.ts';
import { cloudflareClient } from '../../settings/clients.server.ts';
import { factsOf, wayInOf } from './customHostnameState.ts';
import type { DomainDriverActs, DomainPlace } from './drivers.ts';
import type { Observed } from '../doctor/domainTypes.ts';
import { knownHostname } from './domainNames.ts';
import { publicDns } from '../doctor/publicDns.server.ts';

/**
 * Cloudflare validates for seven days and then deletes the hostname; a PATCH begins anew. See
 * https://developers.cloudflare.com/cloudflare-for-platforms/cloudflare-for-saas/domain-support/hostname-validation/
 */
const REARM_AFTER_MS = 5 * DAY;
/** So long the list of all hostnames is believed while nobody waits: it is read once a day. */
const CALM_MS = 26 * HOUR;
/** How often a validation may be begun anew because the name has come to lead here. */
const NUDGE_AFTER_MS = 30_000;

/** Cloudflare's authorities as a CAA record calls them, in the order in which we take them. */
const AUTHORITIES: Record<string, CertificateAuthority> = {
	'pki.goog': 'google',
	'letsencrypt.org': 'lets_encrypt',
	'ssl.com': 'ssl_com'
};

/** Cloudflare for SaaS: a custom hostname of our zone, which leads over the zone's fallback origin into the tunnel. */
export const customHostnameDriver: DomainDriverActs = {
	records: ({ domain, baseDomain }) => {
		const { isApex } = knownHostname(domain.hostname);
		const type = isApex ? 'ALIAS' : 'CNAME';
		const { hostname: name } = domain;
		return Promise.resolve([{ purpose: 'routing', type, name, value: baseDomain.target }]);
	},

	async expected({ baseDomain }) {
		const [v4, v6] = await Promise.all([
			publicDns().resolveA(baseDomain.target),
			publicDns().resolveAaaa(baseDomain.target)
		]);
		return {
			target: baseDomain.target,
			addresses: [v4, v6].flatMap((answer) => (answer.kind === 'found' ? answer.records : [])),
			authorities: Object.keys(AUTHORITIES)
		};
	},

	async ensure(place, { seen, calm }) {
		const { domain } = place;
		const isFresh = domain.hostnameSeenAt && now().getTime() - +domain.hostnameSeenAt < CALM_MS;
		if (calm && isFresh && domain.cloudflareHostnameId) return wayInOf(domain);
		const client = await clientOf(place, calm ? 'sync' : 'user');
		const { found, created, adopted } = await ensured(client, place, seen);
		const nudged = created ? null : await nudge(client, place, found, seen);
		const facts = {
			...factsOf(nudged ?? found, now()),
			hostnameAdopted: adopted,
			...(nudged && { hostnameArmedAt: now() })
		};
		const wayIn = wayInOf({ ...domain, ...facts });
		if (created && domain.cloudflareHostnameId) {
			const deleted = { code: 'hostname_deleted', of: 'certificate', blocks: false } as const;
			wayIn.findings.push({ ...deleted, params: {} });
		}
		return { ...wayIn, facts };
	},

	async remove(place) {
		const { domain, baseDomain } = place;
		// Never asked for, or there before us.
		if (domain.hostnameAdopted || !domain.hostnameArmedAt) return;
		const client = await clientOf(place, 'user');
		const find = () => client.customHostnames.findByName(baseDomain.zoneId, domain.hostname);
		const found = await find();
		if (!found) return;
		await client.customHostnames.delete(baseDomain.zoneId, found.id);
		if (await find())
			throw new CloudflareError({
				kind: 'vendor',
				operation: 'hostnames.delete',
				message: `${domain.hostname} is still there`,
				retryable: true
			});
	}
};

function clientOf({ domain }: DomainPlace, lane: 'user' | 'sync'): Promise<Cloudflare> {
	return cloudflareClient({ subjectId: domain.id, customerId: domain.customerId }, lane);
}

interface Ensured {
	found: CustomHostname;
	created: boolean;
	adopted: boolean;
}

/** Looks, and creates what is not there. What stood there before we ever meant to make it is used and never deleted. */
async function ensured(
	client: Cloudflare,
	{ domain, baseDomain }: DomainPlace,
	seen: Observed
): Promise<Ensured> {
	const find = () => client.customHostnames.findByName(baseDomain.zoneId, domain.hostname);
	const there = await find();
	if (there) {
		// Read again: another worker may have asked for it since, and who asks says so before.
		const { hostnameArmedAt } = await db.customDomain.findUniqueOrThrow({
			where: { id: domain.id },
			select: { hostnameArmedAt: true }
		});
		const adopted = domain.hostnameAdopted || hostnameArmedAt === null;
		return { found: there, created: false, adopted };
	}
	// The intent comes before the call: what is found later without it is not ours.
	await db.customDomain.update({ where: { id: domain.id }, data: { hostnameArmedAt: now() } });
	try {
		const { zoneId } = baseDomain;
		await client.customHostnames.create(zoneId, domain.hostname, {
			method: 'http',
			authority: authorityFor(seen)
		});
	} catch (error) {
		// Made meanwhile, by a call whose answer was lost or by another worker: the read below tells.
		if (!(error instanceof CloudflareError && error.kind === 'duplicate')) throw error;
	}
	const found = await find();
	if (!found)
		throw new CloudflareError({
			kind: 'vendor',
			operation: 'hostnames.create',
			message: `${domain.hostname} could not be read back`,
			retryable: true
		});
	return { found, created: true, adopted: false };
}

/** The first authority that the domain's CAA records let issue; Cloudflare's choice where they let none. */
export function authorityFor({ caa }: Pick<Observed, 'caa'>): CertificateAuthority | undefined {
	if (!caa) return undefined;
	const allowed = Object.keys(AUTHORITIES).find((name) => caa.issuers.includes(name));
	return allowed ? AUTHORITIES[allowed] : undefined;
}

/**
 * Begins the validation anew where that helps: long before Cloudflare would delete the hostname, and as soon as the name
 * leads here, because Cloudflare itself looks ever more seldom.
 * @returns null when nothing was to be done
 */
async function nudge(
	client: Cloudflare,
	{ domain, baseDomain }: DomainPlace,
	found: CustomHostname,
	seen: Observed
): Promise<CustomHostname | null> {
	if (found.status === 'active' && found.ssl?.status === 'active') return null;
	const armed = domain.hostnameArmedAt?.getTime() ?? 0;
	const since = now().getTime() - armed;
	const leadsHere = seen.cnames.includes(baseDomain.target);
	const isWaiting =
		found.ssl?.status !== 'pending_issuance' && found.ssl?.status !== 'pending_deployment';
	const isDue = since > REARM_AFTER_MS || (leadsHere && isWaiting && since > NUDGE_AFTER_MS);
	if (!isDue) return null;
	return client.customHostnames.revalidate(baseDomain.zoneId, found.id, {
		method: 'http',
		authority: authorityFor(seen)
	});
}
