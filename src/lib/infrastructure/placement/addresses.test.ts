import { describe, expect, it } from 'vitest';
import { freeAddress, overlaps, poolSize, withPrefix } from './addresses.ts';

const pool = { network: '10.10.20.0/29', gateway: '10.10.20.1' };

describe('a pool', () => {
	it('gives its addresses in order, without network, gateway and broadcast', () => {
		const leased = new Set<string>();
		for (let next = freeAddress(pool, leased); next; next = freeAddress(pool, leased)) {
			leased.add(next);
		}
		expect([...leased]).toEqual([2, 3, 4, 5, 6].map((last) => `10.10.20.${last}`));
		expect(poolSize(pool)).toBe(leased.size);
	});

	it('gives a free one in the middle again', () => {
		expect(freeAddress(pool, new Set(['10.10.20.2', '10.10.20.4']))).toBe('10.10.20.3');
	});

	it('reaches over the last octet', () => {
		const wide = { network: '10.0.0.0/23', gateway: '10.0.0.1' };
		const leased = new Set(Array.from({ length: 256 }, (_, last) => `10.0.0.${last}`));
		expect(freeAddress(wide, leased)).toBe('10.0.1.0');
	});

	it('writes an address as Proxmox wants it', () => {
		expect(withPrefix(pool, '10.10.20.4')).toBe('10.10.20.4/29');
	});

	it.each([
		['10.10.20.0/24', '10.10.20.0/24', true],
		['10.10.20.0/24', '10.10.0.0/16', true],
		['10.10.20.128/25', '10.10.20.0/24', true],
		['10.10.20.0/24', '10.10.21.0/24', false],
		['10.10.20.0/25', '10.10.20.128/25', false]
	])('%s and %s have addresses in common: %s', (one, other, is) => {
		expect([overlaps(one, other), overlaps(other, one)]).toEqual([is, is]);
	});

	it.each(['10.10.20.0', '10.10.20.0/31', '10.10.300.0/24', 'fd00::/64'])(
		'%s is none',
		(network) => {
			expect(() => poolSize({ network, gateway: '10.10.20.1' })).toThrow(/is not an IPv4/);
		}
	);
});
