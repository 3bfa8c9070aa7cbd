import { rootStorage, type Cluster } from './cluster.ts';

/** Why a container's disk cannot be sent to another node now, in the words of pvesr; null: it can. */
export function sendError(
	cluster: Cluster,
	{ guest, target }: { guest: number; target: string }
): string | null {
	const container = cluster.state.containers[guest];
	if (!container) return `no such guest '${guest}'`;
	const node = cluster.state.nodes.find(({ name }) => name === target);
	if (!node?.online)
		return `command '/usr/bin/ssh ... root@${node?.ip ?? target}' failed: exit code 255`;
	const storage = cluster.storage(rootStorage(container));
	const isFull =
		storage.totalBytes - cluster.storageUsed(storage, target) < cluster.diskUsed(container);
	if (!isFull) return null;
	return `command 'zfs send ... | zfs recv -F -- rpool/data/subvol-${guest}-disk-0' failed: cannot receive new filesystem stream: out of space`;
}
