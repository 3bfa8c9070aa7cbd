import { isOurs, type Seen } from './reconcile.ts';

/** Whether what Proxmox has is this container: ours by its mark; one that was there before us by its root volume. */
export function isThis(
	seen: Seen | 'foreign',
	container: { id: string; adopted: boolean; rootVolume: string | null }
): seen is Seen {
	if (seen === 'foreign') return false;
	if (!container.adopted) return isOurs(seen, container.id);
	const volume = (seen.config.rootfs ?? '').split(',')[0];
	return container.rootVolume !== null && volume === container.rootVolume;
}
