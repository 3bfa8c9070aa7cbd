import { db } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { ProxmoxError } from '#lib/integrations/proxmox/errors.ts';
import type { ProxmoxClient } from '#lib/integrations/proxmox/proxmox.server.ts';
import { proxmoxOn } from '../nodes/clients.server.ts';

/** Milliseconds that a page waits for a node. */
const PAGE_WAITS = 2_500;
/** Lines of a task's log that a page shows, its last ones. */
const MOST_LINES = 500;

export interface ShownSnapshot {
	name: string;
	description: string;
	at: Date | null;
}

/** What a node says right now; null: it does not answer, or has no such container. */
type Live<T> = Promise<T | null>;

/** A container's snapshots, the latest first. Asks its node now. */
export function liveSnapshots(containerId: string): Live<ShownSnapshot[]> {
	return asked(containerId, async (proxmox, { node, vmid }) => {
		const found = await proxmox.snapshots(node, vmid);
		return found
			.filter(({ name }) => name !== 'current')
			.map(({ name, description, snaptime }) => ({
				...{ name, description: description.trim() },
				at: snaptime === undefined ? null : new Date(snaptime * 1000)
			}))
			.sort((a, b) => (b.at?.getTime() ?? 0) - (a.at?.getTime() ?? 0));
	});
}

/** The log of an act's task as Proxmox has it now. */
export function liveTaskLog(containerId: string, upid: string): Live<string[]> {
	return asked(containerId, async (proxmox) => {
		const lines = await proxmox.taskLog(upid);
		return lines.slice(-MOST_LINES).map(({ t }) => t);
	});
}

/** @throws {AppError} NOT_FOUND */
async function asked<T>(
	containerId: string,
	ask: (proxmox: ProxmoxClient, place: { node: string; vmid: number }) => Promise<T>
): Live<T> {
	const row = await db.container.findUnique({
		where: { id: containerId },
		select: { vmid: true, nodeId: true, node: { select: { name: true } } }
	});
	if (!row) throw new AppError('NOT_FOUND');
	try {
		const proxmox = await proxmoxOn(row.nodeId, {}, PAGE_WAITS);
		return await ask(proxmox, { node: row.node.name, vmid: row.vmid });
	} catch (error) {
		if (error instanceof ProxmoxError) return null;
		throw error;
	}
}
