import { env } from '#lib/core/env.server.ts';
import { dns, type Dns } from '../integrations/dns/dns.server.ts';
import { unrecorded } from '../integrations/record.ts';

/** The public DNS as the world sees it: never the machine's own resolver. */
export function publicDns(): Dns {
	// The sandbox's edge is on this machine; outside it nothing of a customer's may lead into our own network.
	return dns(
		{ servers: env.PUBLIC_DNS_SERVERS, allowPrivateAddresses: env.EDGE_URL !== undefined },
		unrecorded
	);
}
