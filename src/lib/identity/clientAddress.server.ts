import { BlockList, isIP } from 'node:net';
import { env } from '#lib/core/env.server.ts';

/**
 * Address of who asks. `X-Forwarded-For` counts only as far as its right end was written by proxies of ours: what stands
 * further left is whatever the client liked to send.
 * @param peer the other end of the connection
 */
export function clientAddress(peer: string, forwardedFor: string | null): string {
	const trusted = trustedProxies();
	let address = plain(peer);
	for (const hop of (forwardedFor ?? '').split(',').reverse()) {
		if (!isTrusted(trusted, address)) break;
		const next = plain(hop.trim());
		if (!isIP(next)) break;
		address = next;
	}
	return address;
}

function isTrusted(trusted: BlockList, address: string): boolean {
	const family = isIP(address);
	return family !== 0 && trusted.check(address, family === 6 ? 'ipv6' : 'ipv4');
}

/** `::ffff:10.0.0.1` is 10.0.0.1, seen through a socket that speaks both. */
function plain(address: string): string {
	return address.replace(/^::ffff:(?=\d+\.)/i, '');
}

let known: { source: string; list: BlockList } | undefined;

/** TRUSTED_PROXIES: addresses and networks, `10.0.0.0/8`. */
function trustedProxies(): BlockList {
	const source = env.TRUSTED_PROXIES.join(',');
	if (known?.source === source) return known.list;
	const list = new BlockList();
	for (const entry of env.TRUSTED_PROXIES) {
		const [network = '', bits] = entry.split('/');
		const family = isIP(network) === 6 ? 'ipv6' : 'ipv4';
		if (bits) list.addSubnet(network, Number(bits), family);
		else list.addAddress(network, family);
	}
	known = { source, list };
	return list;
}
