/** Static IPv4 address of an interface `name=eth0,…,ip=10.10.20.5/24`, without its prefix; null with DHCP or none. */
export function ipOf(net0 = ''): string | null {
	return /(?:^|,)ip=(\d{1,3}(?:\.\d{1,3}){3})\/\d+/.exec(net0)?.[1] ?? null;
}

/** The volume of a root disk in its read form `storage:volume,size=8G`: what a container is known by that bears no mark. */
export function rootVolumeOf(rootfs = ''): string | null {
	const volume = rootfs.split(',')[0] ?? '';
	return volume.includes(':') ? volume : null;
}
