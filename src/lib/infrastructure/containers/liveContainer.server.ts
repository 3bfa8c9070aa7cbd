import { db } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { ProxmoxError } from '#lib/integrations/proxmox/errors.ts';
import type { ProxmoxClient } from '#lib/integrations/proxmox/proxmox.server.ts';
import { proxmoxOn } from '../nodes/clients.server.ts';
import { look } from './guests.server.ts';
import { isThis } from './identity.ts';

/** Milliseconds that a page waits for a node. */
const PAGE_WAITS = 2_500;
/** Lines of a task's log that a page shows, its last ones. */
const MOST_LINES = 500;

export interface ShownSnapshot {
	name: string;
	description: string;
	at: Date | null;
	/** It can be gone back to: on ZFS the latest alone, since what is newer would be lost. */
	reachable: boolean;
}

/** What a node says right now; null: it does not answer, or has no such container. */
type Live<T> = Promise<T | null>;

/** A container's snapshots, the latest first. Asks its node now. */
export function liveSnapshots(containerId: string): Live<ShownSnapshot[]> {
	return asked(containerId, async (proxmox, { node, vmid }) => {
		const found = await proxmox.snapshots(node, vmid);
		const isStack = await liesOnZfs(containerId);
		const latest = found.find(({ name }) => name === 'current')?.parent;
		return found
			.filter(({ name }) => name !== 'current')
			.map(({ name, description, snaptime }) => ({
				...{ name, description: description.trim() },
				at: snaptime === undefined ? null : new Date(snaptime * 1000)
			}))
			.map((one) => ({ ...one, reachable: !isStack || one.name === latest }))
			.sort((a, b) => (b.at?.getTime() ?? 0) - (a.at?.getTime() ?? 0));
	});
}

async function liesOnZfs(containerId: string): Promise<boolean> {
	const rows = await db.$queryRaw<object[]>`
		SELECT 1 FROM lxc_containers container
		JOIN proxmox_clusters cluster ON cluster.id = container.cluster_id
		JOIN node_storages stored ON stored.node_id = container.node_id
			AND stored.storage = coalesce(container.storage, cluster.rootfs_storage)
		WHERE container.id = ${containerId}::uuid AND stored.type = 'zfspool'`;
	return rows.length > 0;
}

/** The log of an act's task as Proxmox has it now. */
export function liveTaskLog(containerId: string, upid: string): Live<string[]> {
	return asked(containerId, async (proxmox) => {
		const lines = await proxmox.taskLog(upid);
		return lines.slice(-MOST_LINES).map(({ t }) => t);
	});
}

/** The node that a container is on; its `node` is null when its cluster has nothing of ours under its VMID. */
export function livePlace(containerId: string): Live<{ node: string | null }> {
	return asked(containerId, async (proxmox, { node, vmid }) => {
		const seen = await look(proxmox, { nodeName: node, vmid });
		const row = await db.container.findUniqueOrThrow({ where: { id: containerId } });
		return { node: seen && isThis(seen, row) ? seen.node : null };
	});
}

/** @throws {AppError} NOT_FOUND */
async function asked<T>(
	containerId: string,
	ask: (proxmox: ProxmoxClient, place: { node: string; vmid: number }) => Promise<T>
): Live<T> {
	const row = await db.container.findUnique({
		where: { id: containerId },
		select: { vmid: true, nodeId: true, node: { select: { name: true, removedAt: true } } }
	});
	if (!row) throw new AppError('NOT_FOUND');
	if (row.node.removedAt) return null;
	try {
		const proxmox = await proxmoxOn(row.nodeId, {}, PAGE_WAITS);
		return await ask(proxmox, { node: row.node.name, vmid: row.vmid });
	} catch (error) {
		if (error instanceof ProxmoxError) return null;
		throw error;
	}
}
