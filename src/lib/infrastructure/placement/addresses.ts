/** IPv4 only: Proxmox bridges of the platform are IPv4. */

/** `10.10.20.0/24` as numbers. @throws {Error} when it is not a network */
function parse(network: string): { first: number; size: number } {
	const match = /^(\d{1,3}(?:\.\d{1,3}){3})\/(\d{1,2})$/.exec(network);
	const bits = Number(match?.[2] ?? NaN);
	if (!match || !(bits >= 8 && bits <= 30)) throw new Error(`${network} is not an IPv4 network`);
	const size = 2 ** (32 - bits);
	const address = toNumber(match[1]!);
	return { first: address - (address % size), size };
}

function toNumber(address: string): number {
	const parts = address.split('.').map(Number);
	if (parts.length !== 4 || parts.some((part) => !(part >= 0 && part <= 255))) {
		throw new Error(`${address} is not an IPv4 address`);
	}
	return parts.reduce((number, part) => number * 256 + part, 0);
}

function toText(number: number): string {
	return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');
}

export interface Pool {
	/** CIDR */
	network: string;
	gateway: string;
}

/** Addresses of a pool that containers may have: all but the network's, the gateway's and the broadcast address. */
export function poolSize({ network }: Pool): number {
	return parse(network).size - 3;
}

/** Whether an address lies in a network. @throws {Error} when one of the two is none */
export function isWithin(network: string, address: string): boolean {
	const { first, size } = parse(network);
	const offset = toNumber(address) - first;
	return offset >= 0 && offset < size;
}

/** Whether two networks have addresses in common. @throws {Error} when one of the two is none */
export function overlaps(network: string, other: string): boolean {
	const [a, b] = [parse(network), parse(other)];
	return a.first < b.first + b.size && b.first < a.first + a.size;
}

/** The lowest address of a pool that nobody has; null when none is left. */
export function freeAddress(
	{ network, gateway }: Pool,
	leased: ReadonlySet<string>
): string | null {
	const { first, size } = parse(network);
	for (let offset = 1; offset < size - 1; offset++) {
		const address = toText(first + offset);
		if (address !== gateway && !leased.has(address)) return address;
	}
	return null;
}

/** `10.10.20.7/24`: how Proxmox wants an address of a pool. */
export function withPrefix({ network }: Pick<Pool, 'network'>, address: string): string {
	return `${address}/${network.split('/')[1]}`;
}
