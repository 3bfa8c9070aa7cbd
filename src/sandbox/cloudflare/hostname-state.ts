import { randomUUID } from 'node:crypto';
import { resolve } from '../dns/resolve.ts';
import { EDGE_ADDRESS, lookUp } from '../dns/zones.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { cloudflareDocument, type CustomHostname } from './state.ts';

// Real-life milliseconds of each stage, scaled by the sandbox's speed.
const INITIALIZING_MS = 5_000;
const ISSUANCE_MS = 30_000;
const DEPLOYMENT_MS = 20_000;
const FALLBACK_MS = 10_000;

const DAY_MS = 86_400_000;
const VALIDATION_DAYS = 7;
const CERTIFICATE_DAYS = 90;
const RENEWAL_DAYS = 30;

/** Moves both state machines of a custom hostname as far as time and the customer's DNS let them. */
export function advance(kernel: Kernel, hostname: CustomHostname): CustomHostname {
	const document = cloudflareDocument(kernel);
	const before = JSON.stringify(hostname);
	const here = leadsHere(kernel, hostname.hostname);
	if (hostname.status === 'pending' && (here || ownershipText(kernel, hostname))) become('active');
	else if (hostname.status === 'moved' && here) become('active');
	// What is active by its TXT record alone has not come yet, so that it cannot have gone.
	else if (hostname.status === 'active' && !here && !ownershipText(kernel, hostname))
		become('moved');
	while (stepped(kernel, hostname)) {
		// Each step may make the next one due.
	}
	if (JSON.stringify(hostname) !== before) document.changed();
	return hostname;

	function become(status: CustomHostname['status']): void {
		hostname.status = status;
		hostname.status_since_ms = kernel.clock.nowMs();
	}
}

/** Cloudflare deletes what was not validated for a week, and what has been elsewhere for as long. */
export function dropGivenUp(kernel: Kernel): void {
	const document = cloudflareDocument(kernel);
	const state = document.get();
	const oldest = kernel.clock.nowMs() - VALIDATION_DAYS * DAY_MS;
	const kept = state.hostnames.filter((hostname) => {
		const { status, status_since_ms } = advance(kernel, hostname);
		return status === 'active' || !(status_since_ms <= oldest);
	});
	if (kept.length === state.hostnames.length) return;
	state.hostnames = kept;
	document.changed();
}

/** The name servers of authorities as CAA records call them. */
const AUTHORITY_DOMAINS: Record<string, string> = {
	google: 'pki.goog',
	lets_encrypt: 'letsencrypt.org',
	ssl_com: 'ssl.com'
};

/** RFC 8659: the CAA set nearest to the name decides; none lets everybody issue. */
export function caaForbids(kernel: Kernel, { hostname, ssl }: CustomHostname): boolean {
	const wanted = AUTHORITY_DOMAINS[ssl?.certificate_authority ?? ''] ?? 'pki.goog';
	for (let name = hostname; name.includes('.'); name = name.slice(name.indexOf('.') + 1)) {
		const { answers } = resolve(kernel, name, 'CAA');
		const issuers = answers.flatMap(({ type, content }) => {
			const issue = /^\d+ issue "?([^";]*)/.exec(content);
			return type === 'CAA' && issue ? [issue[1]!.trim().toLowerCase()] : [];
		});
		if (issuers.length > 0) return !issuers.includes(wanted);
	}
	return false;
}

function stepped(kernel: Kernel, hostname: CustomHostname): boolean {
	const { ssl } = hostname;
	if (!ssl) return false;
	const now = kernel.clock.nowMs();
	const enter = (status: typeof ssl.status, at: number) => {
		ssl.status = status;
		ssl.since_ms = at;
		return true;
	};
	// The next stage begins when this one was due, so that one long jump of the clock passes them all.
	const after = (ms: number, status: typeof ssl.status) => {
		const due = ssl.since_ms + ms * kernel.speed;
		return now >= due && enter(status, due);
	};
	switch (ssl.status) {
		case 'initializing':
			return after(INITIALIZING_MS, 'pending_validation');
		case 'pending_validation':
			if (certificateProven(kernel, hostname) && !caaForbids(kernel, hostname))
				return enter('pending_issuance', now);
			return now >= ssl.since_ms + VALIDATION_DAYS * DAY_MS && enter('validation_timed_out', now);
		case 'pending_issuance':
			return after(ISSUANCE_MS, 'pending_deployment');
		case 'pending_deployment':
			if (!after(DEPLOYMENT_MS, 'active')) return false;
			ssl.expires_on = new Date(now + CERTIFICATE_DAYS * DAY_MS).toISOString();
			return true;
		case 'active': {
			const expires = Date.parse(ssl.expires_on ?? '');
			if (now < expires - RENEWAL_DAYS * DAY_MS) return false;
			if (certificateProven(kernel, hostname)) {
				ssl.expires_on = new Date(now + CERTIFICATE_DAYS * DAY_MS).toISOString();
				return true;
			}
			return now >= expires && enter('expired', now);
		}
		default:
			return false;
	}
}

/** Ownership is proven by the TXT record of the token, as by traffic that already leads here. */
function ownershipText(kernel: Kernel, { hostname, ownership_token }: CustomHostname): boolean {
	return hasText(kernel, `_cf-custom-hostname.${hostname}`, ownership_token);
}

function certificateProven(kernel: Kernel, { hostname, ssl }: CustomHostname): boolean {
	if (!ssl) return false;
	if (ssl.method === 'http') return leadsHere(kernel, hostname);
	const challenge = `_acme-challenge.${hostname}`;
	const delegated = lookUp(kernel, challenge)?.records.some(
		({ type, content }) => type === 'CNAME' && content === dcvTarget(hostname)
	);
	return delegated === true || hasText(kernel, challenge, ssl.token);
}

/** The name that a customer's `_acme-challenge` may point at once and for all renewals. */
export const dcvTarget = (hostname: string): string =>
	`${hostname}.0a1b2c3d4e5f6071.dcv.cloudflare.com`;

export function leadsHere(kernel: Kernel, name: string): boolean {
	const { answers } = resolve(kernel, name, 'A');
	return answers.some(({ type, content }) => type === 'A' && content === EDGE_ADDRESS);
}

function hasText(kernel: Kernel, name: string, value: string): boolean {
	const { answers } = resolve(kernel, name, 'TXT');
	return answers.some(
		({ type, content }) => type === 'TXT' && content.replace(/^"(.*)"$/s, '$1') === value
	);
}

/** The zone's fallback origin as the API shows it; null when none was set. */
export function fallbackState(kernel: Kernel, zoneId: string) {
	const state = cloudflareDocument(kernel).get();
	const fallback = state.fallback[zoneId];
	if (!fallback) return null;
	const { origin, created_at, updated_at, since_ms } = fallback;
	const ready = state.records.some((record) => record.name === origin && record.proxied);
	const deployed = kernel.clock.nowMs() >= since_ms + FALLBACK_MS * kernel.speed;
	const status = !ready ? 'initializing' : deployed ? 'active' : 'pending_deployment';
	const errors = ready ? [] : ['DNS record is not setup for the fallback origin.'];
	return { origin, status, errors, created_at, updated_at };
}

/** A hostname that has been in use for a while. */
export function activeHostname(kernel: Kernel, zoneId: string, hostname: string): CustomHostname {
	const at = kernel.clock.nowMs();
	return {
		...{ id: randomUUID(), zone_id: zoneId, hostname, status: 'active', status_since_ms: at },
		...{ ownership_token: randomUUID(), created_at: new Date(at).toISOString() },
		ssl: {
			...{ id: randomUUID(), status: 'active', method: 'http', type: 'dv', wildcard: false },
			...{ bundle_method: 'ubiquitous', certificate_authority: 'google', settings: {} },
			...{ token: randomUUID(), since_ms: at },
			expires_on: new Date(at + CERTIFICATE_DAYS * DAY_MS).toISOString()
		}
	};
}
