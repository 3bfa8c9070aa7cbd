/** An IPv4 or IPv6 address as a number; null when it is none. */
function numberOf(address: string): { bits: 32 | 128; value: bigint } | null {
	if (/^\d{1,3}(\.\d{1,3}){3}$/.test(address)) {
		const value = address.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n);
		return { bits: 32, value };
	}
	if (!/^[0-9a-f:]+$/i.test(address) || !address.includes(':')) return null;
	const [head = '', tail] = address.split('::');
	const groups = (text: string) => text.split(':').filter((group) => group !== '');
	const before = groups(head);
	const after = tail === undefined ? [] : groups(tail);
	const missing = tail === undefined ? 0 : 8 - before.length - after.length;
	if (missing < 0) return null;
	const all = [...before, ...Array.from({ length: missing }, () => '0'), ...after];
	if (all.length !== 8) return null;
	return { bits: 128, value: all.reduce((sum, group) => sum * 65_536n + BigInt(`0x${group}`), 0n) };
}

/** @param range `104.16.0.0/13`, `2606:4700::/32`, or one address */
export function isInRange(address: string, range: string): boolean {
	const [network = '', prefix] = range.split('/');
	const one = numberOf(address);
	const other = numberOf(network);
	if (!one || !other || one.bits !== other.bits) return false;
	const shift = BigInt(one.bits - Number(prefix ?? one.bits));
	return one.value >> shift === other.value >> shift;
}

/** The same address, however it is written. */
export function isSameAddress(a: string, b: string): boolean {
	return isInRange(a, b);
}
