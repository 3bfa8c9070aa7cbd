import { setTimeout as sleep } from 'node:timers/promises';
import { db } from '#lib/core/db.server.ts';
import { isDown, proxmoxOn, type Trace } from '#lib/infrastructure/nodes/clients.server.ts';
import { sshOn } from '#lib/infrastructure/nodes/sshPool.server.ts';
import { ProxmoxError } from '#lib/integrations/proxmox/errors.ts';
import type { ProxmoxClient } from '#lib/integrations/proxmox/proxmox.server.ts';
import type { Backup } from '#prisma/generated/client.ts';
import type { Archive, Dump } from './backups.server.ts';

/** What the archive's note says. */
const noteOf = (backupId: string) => `erpcore backup ${backupId}`;

/** A digest reads the whole archive, at the speed of the storage. */
const DIGEST_TIMEOUT_MS = 3_600_000;
const WAIT = 15;

/** What is saved, and how its task is kept. */
export interface Archiving {
	/** Names the archive's note, so that it can be found after a lost answer. */
	id: string;
	containerId: string;
	/** UPID of the vzdump that is or was running for it. */
	taskUpid: string | null;
	keepTask(upid: string): Promise<void>;
}

interface Place {
	nodeId: string;
	node: string;
	vmid: number;
	storage: string;
}

/** The backup of a row, as `archiveContainer` takes it. */
export function dumpContainer(
	{ id, containerId, taskUpid }: Backup,
	trace: Trace,
	signal: AbortSignal
): Promise<Dump> {
	if (!containerId) throw new Error(`backup ${id} is of no container`);
	const keepTask = async (upid: string) => {
		await db.backup.update({ where: { id }, data: { taskUpid: upid } });
	};
	return archiveContainer({ id, containerId, taskUpid, keepTask }, trace, signal);
}

/**
 * Saves a whole container by vzdump to its cluster's backup storage, reads size and digest back from there. Looks first:
 * an archive with this backup's note, or a vzdump that runs, is this one's.
 * @throws {ProxmoxError} with Proxmox's reason when the task failed
 */
export async function archiveContainer(
	backup: Archiving,
	trace: Trace,
	signal: AbortSignal
): Promise<Dump> {
	const place = await placeOf(backup);
	const proxmox = await proxmoxOn(place.nodeId, trace);
	const there = await readBack(proxmox, place, backup.id);
	if (there) return { done: true, archive: there };
	const upid =
		(await runningTask(proxmox, place, backup)) ?? (await start(proxmox, place, backup, signal));
	if (!upid) return { done: false, wait: 1 };
	try {
		await proxmox.waitTask(upid, { timeoutMs: 9_000, pollMs: 250, signal });
	} catch (error) {
		if (error instanceof ProxmoxError && error.kind === 'task_running') {
			return { done: false, wait: WAIT };
		}
		throw error;
	}
	const written = await readBack(proxmox, place, backup.id);
	if (!written) throw new Error('vzdump ended well, but its archive is not in the storage');
	return { done: true, archive: written };
}

async function placeOf({ containerId }: Archiving): Promise<Place> {
	const { nodeId, vmid, node } = await db.container.findUniqueOrThrow({
		where: { id: containerId },
		include: { node: { include: { cluster: true } } }
	});
	return { nodeId, node: node.name, vmid, storage: node.cluster.backupStorage };
}

/** The task of an earlier look: the one that was stored, or one whose answer was lost. */
async function runningTask(
	proxmox: ProxmoxClient,
	{ node, vmid }: Place,
	{ taskUpid }: Archiving
): Promise<string | null> {
	if (taskUpid && (await proxmox.taskStatus(taskUpid)).status === 'running') return taskUpid;
	const tasks = await proxmox.tasks(node, { vmid, source: 'active', typefilter: 'vzdump' });
	return tasks.find(({ endtime }) => endtime === undefined)?.upid ?? null;
}

/** @returns null when the answer was lost, but the archive is there or on its way: look again */
async function start(
	proxmox: ProxmoxClient,
	place: Place,
	backup: Archiving,
	signal: AbortSignal
): Promise<string | null> {
	let upid: string | null;
	try {
		upid = await proxmox.vzdump(place.node, {
			vmid: place.vmid,
			storage: place.storage,
			'notes-template': noteOf(backup.id)
		});
	} catch (error) {
		if (!(error instanceof ProxmoxError) || !error.ambiguous) throw error;
		await sleep(1_000, undefined, { signal });
		if (await runningTask(proxmox, place, backup)) return null;
		if (await readBack(proxmox, place, backup.id)) return null;
		throw error;
	}
	if (!upid) throw new Error(`CT ${place.vmid} is not on ${place.node}`);
	await backup.keepTask(upid);
	return upid;
}

/** The archive as the storage has it; its digest is computed there from what was written. */
async function readBack(
	proxmox: ProxmoxClient,
	{ nodeId, node, vmid, storage }: Place,
	backupId: string
): Promise<Archive | null> {
	const stored = await proxmox.storageContent(node, storage, { content: 'backup', vmid });
	const found = stored.find(({ notes }) => notes?.includes(noteOf(backupId)));
	if (!found) return null;
	const { path, size } = await proxmox.volume(node, found.volid);
	if (!(size > 0)) throw new Error(`the archive ${found.volid} is empty`);
	return { location: found.volid, sizeBytes: size, sha256: await digest(nodeId, path) };
}

async function digest(nodeId: string, path: string): Promise<string> {
	const ssh = await sshOn(nodeId);
	try {
		const { code, stdout, stderr } = await ssh.client.exec(['sha256sum', '--', path], {
			timeoutMs: DIGEST_TIMEOUT_MS,
			call: null
		});
		const sha256 = /^\\?([0-9a-f]{64}) /.exec(stdout)?.[1];
		if (code !== 0 || !sha256) {
			throw new Error(`the archive cannot be read back: ${stderr.trim().slice(0, 300)}`);
		}
		return sha256;
	} finally {
		ssh.release();
	}
}

/**
 * Removes an archive and looks that it is gone. One that its storage no longer lists is fine; a storage that nobody could
 * read says nothing.
 * @param nodeId on which it was written. A shared storage is asked over another node of the cluster while that one is down
 * or no longer ours; one of its own is seen from no other
 * @throws {ProxmoxError} when no node can say; {ArchiveOutOfReach} when none ever can
 */
export async function removeArchive(
	{ nodeId, location }: { nodeId: string; location: string },
	trace: Trace
): Promise<void> {
	const storage = location.split(':')[0] ?? '';
	let down: unknown = new ArchiveOutOfReach(location);
	for (const node of await nodesThatSee(nodeId, storage)) {
		try {
			await removeOver(node, { storage, location }, trace);
			return;
		} catch (error) {
			if (!isDown(error)) throw error;
			down = error;
		}
	}
	throw down;
}

/** It lies on the own storage of a node that was taken out for good. */
export class ArchiveOutOfReach extends Error {
	constructor(location: string) {
		super(`${location} lies on a node that is no longer ours`);
		this.name = 'ArchiveOutOfReach';
	}
}

type NodeName = { id: string; name: string };

async function nodesThatSee(nodeId: string, storage: string): Promise<NodeName[]> {
	const select = { id: true, name: true };
	const { clusterId, removedAt, ...own } = await db.node.findUniqueOrThrow({
		where: { id: nodeId },
		select: { ...select, clusterId: true, removedAt: true }
	});
	const others = await db.node.findMany({
		where: {
			...{ clusterId, removedAt: null, id: { not: nodeId } },
			storages: { some: { storage, shared: true, active: true } }
		},
		orderBy: [{ status: 'asc' }, { name: 'asc' }],
		select
	});
	return removedAt ? others : [own, ...others];
}

async function removeOver(
	{ id, name }: NodeName,
	{ storage, location }: { storage: string; location: string },
	trace: Trace
): Promise<void> {
	const proxmox = await proxmoxOn(id, trace);
	const exists = async () => {
		const stored = await proxmox.storageContent(name, storage, { content: 'backup' });
		return stored.some(({ volid }) => volid === location);
	};
	if (!(await exists())) return;
	const upid = await proxmox.deleteVolume(name, location);
	if (upid) await proxmox.waitTask(upid, { timeoutMs: 120_000, pollMs: 500 });
	if (await exists()) throw new Error(`${location} is still there`);
}
