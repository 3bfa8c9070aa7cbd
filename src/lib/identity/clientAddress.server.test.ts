import { expect, it } from 'vitest';
import { readEnv } from '#lib/core/env.server.ts';
import { clientAddress } from './clientAddress.server.ts';

process.env.TRUSTED_PROXIES = '10.0.0.0/8, 192.0.2.7, 2001:db8::/32';

it.each([
	['a stranger who invents a header', '203.0.113.9', '1.2.3.4', '203.0.113.9'],
	['a proxy of ours', '10.1.2.3', '198.51.100.4', '198.51.100.4'],
	['two proxies of ours', '10.1.2.3', '198.51.100.4, 192.0.2.7', '198.51.100.4'],
	['what the client wrote before our proxy', '10.1.2.3', '6.6.6.6, 198.51.100.4', '198.51.100.4'],
	['a proxy of ours that says nothing', '10.1.2.3', null, '10.1.2.3'],
	['nonsense in the header', '10.1.2.3', 'unknown', '10.1.2.3'],
	['an IPv4 proxy on an IPv6 socket', '::ffff:10.1.2.3', '198.51.100.4', '198.51.100.4'],
	['an IPv6 proxy', '2001:db8::1', '2001:db9::5', '2001:db9::5']
])('%s', (_, peer, header, expected) => {
	expect(readEnv(process.env).TRUSTED_PROXIES).toHaveLength(3);
	expect(clientAddress(peer, header)).toBe(expected);
});
