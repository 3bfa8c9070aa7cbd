import { BlockList, isIPv4, isIPv6 } from 'node:net';

// RFC 6890 and the registries of special addresses: what is not on the public internet, or hides another address in it.
// Two lists: one alone takes every IPv4 address for its mapped form, and `::ffff:0:0` would hold them all.
const V4 = new BlockList();
const V6 = new BlockList();
for (const [network, prefix] of [
	['0.0.0.0', 8],
	['10.0.0.0', 8],
	['100.64.0.0', 10],
	['127.0.0.0', 8],
	['169.254.0.0', 16],
	['172.16.0.0', 12],
	['192.0.0.0', 24],
	['192.168.0.0', 16],
	['198.18.0.0', 15],
	['224.0.0.0', 3]
] as const) {
	V4.addSubnet(network, prefix, 'ipv4');
}
for (const [network, prefix] of [
	// Unspecified, loopback and the old IPv4-compatible ones.
	['::', 96],
	['::ffff:0:0', 96],
	['64:ff9b::', 96],
	['64:ff9b:1::', 48],
	['100::', 64],
	['2001::', 32],
	['2002::', 16],
	['fc00::', 7],
	['fe80::', 10],
	['fec0::', 10],
	['ff00::', 8]
] as const) {
	V6.addSubnet(network, prefix, 'ipv6');
}

/** An address that a name from outside must not lead our requests to. */
export function isPrivateAddress(address: string): boolean {
	return (
		(isIPv4(address) && V4.check(address, 'ipv4')) || (isIPv6(address) && V6.check(address, 'ipv6'))
	);
}
