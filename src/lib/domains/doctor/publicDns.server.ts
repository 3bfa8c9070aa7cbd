import { env } from '#lib/core/env.server.ts';
import { dns, type Dns } from '../../integrations/dns/dns.server.ts';
import { unrecorded } from '../../integrations/record.ts';

/** The public DNS as the world sees it: never the machine's own resolver. */
export function publicDns(): Dns {
	// The sandbox's edge is on this machine; outside it nothing of a customer's may lead into our own network.
	const inSandbox = env.EDGE_URL !== undefined;
	return dns(
		{
			servers: env.PUBLIC_DNS_SERVERS,
			allowPrivateAddresses: inSandbox,
			authoritativePort: env.PUBLIC_DNS_AUTHORITATIVE_PORT,
			via: sandboxEdge()
		},
		unrecorded
	);
}

/** Where everything on the public internet answers in the sandbox. */
function sandboxEdge(): { host: string; port: number } | undefined {
	if (!env.EDGE_URL) return undefined;
	const { hostname, port } = new URL(env.EDGE_URL);
	return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 80) };
}
