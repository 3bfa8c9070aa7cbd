import { env } from '#lib/core/env.server.ts';
import { dns } from '#lib/integrations/dns/dns.server.ts';
import { isPrivateAddress } from '#lib/integrations/dns/private-address.server.ts';
import type { PublicAnswer } from '#lib/integrations/dns/public-fetch.server.ts';
import { unrecorded } from '#lib/integrations/record.ts';
import { setting } from '#lib/settings/settings.server.ts';

const TIMEOUT_MS = 5_000;
/** Nobody reads what an endpoint answers. */
const MAX_BYTES = 1_024;

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/** Why nothing may be sent there: a code of `webhookProblem`; null: it may. */
export async function addressProblem(
	url: URL
): Promise<'scheme' | 'credentials' | 'private' | null> {
	if (url.username || url.password) return 'credentials';
	if (await isAllowedLoopback(url)) return null;
	if (url.protocol !== 'https:') return 'scheme';
	const host = url.hostname.replace(/^\[|\]$/g, '');
	return isPrivateAddress(host) || LOOPBACK.test(url.hostname) ? 'private' : null;
}

/**
 * Posts to an endpoint as the world would reach it: its name is looked up by public servers, what leads into our own
 * network is not connected to, redirects are not followed.
 */
export async function post(
	address: string,
	request: { headers: Record<string, string>; body: string }
): Promise<PublicAnswer> {
	const url = new URL(address);
	const isLocal = await isAllowedLoopback(url);
	// Public name servers know nothing of it.
	if (isLocal && url.hostname === 'localhost') url.hostname = '127.0.0.1';
	const client = dns(
		{
			servers: await setting('infrastructure.public_dns_servers'),
			allowPrivateAddresses: isLocal
		},
		unrecorded
	);
	return client.publicFetch({
		...{ url: url.href, method: 'POST', ...request },
		...{ timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES }
	});
}

/** To try things on one machine, without a certificate. */
async function isAllowedLoopback(url: URL): Promise<boolean> {
	if (env.APP_ENV === 'production' || !LOOPBACK.test(url.hostname)) return false;
	return setting('notifications.webhook_loopback');
}
