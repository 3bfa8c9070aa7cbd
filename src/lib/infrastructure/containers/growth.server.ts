import { db, lock, type Tx } from '#lib/core/db.server.ts';
import { publish } from '#lib/core/live.server.ts';
import { ProxmoxError } from '#lib/integrations/proxmox/errors.ts';
import type { ProxmoxClient } from '#lib/integrations/proxmox/proxmox.server.ts';
import type { ContainerConfig } from '#lib/integrations/proxmox/types.ts';
import { proxmoxOn, type Trace } from '../nodes/clients.server.ts';
import { nodeFigures, type NodeFigures } from '../nodes/figures.server.ts';
import { capacityAppeared } from '../nodes/waiters.server.ts';
import { haStorages } from '../placement/haStorages.server.ts';
import { less } from '../pools/without.ts';
import { fewest, type Held } from '../pools/yielding.ts';
import { heldAhead, yieldRoom } from '../pools/yieldRoom.server.ts';
import { judgeGrowth, lacksRoom, type Growth } from './growth.ts';
import { loadTarget, look, type Target } from './guests.server.ts';
import { PLACEMENT_LOCK } from '../placement/placement.server.ts';
import type { Resources } from '../placement/placement.ts';
import { diskSizeGb, isOurs } from './reconcile.ts';
import { taskOf } from './tasks.server.ts';

/** What other limits would mean for a container; takes nothing. Under `holdGrowth`'s lock when `locked`. */
export async function growthOf(
	tx: Tx,
	containerId: string,
	wanted: Resources,
	options: { locked?: boolean } = {}
): Promise<Growth> {
	if (options.locked) await lock(tx, PLACEMENT_LOCK);
	const has = await tx.container.findUniqueOrThrow({ where: { id: containerId } });
	// Who would take over has promised the same: what grows has to have room on both.
	const ids = [has.nodeId, has.haNodeId].filter((id) => id !== null);
	const nodes = await nodeFigures(tx, ids);
	const storages = has.storage === null ? null : await haStorages(tx);
	const freeWithout = (gone: Held[]): Resources => {
		const least = (free: (node: NodeFigures) => number) => Math.min(...nodes.map(free));
		const promised = ({ id, committed }: NodeFigures) =>
			gone.filter(({ nodeId }) => nodeId === id).reduce(less, committed);
		return {
			cpuCores: least((node) => node.limit.cpuCores - promised(node).cpuCores),
			ramMb: least((node) => node.limit.ramMb - promised(node).ramMb),
			diskGb: least((node) => {
				if (!storages) return node.limit.diskGb - promised(node).diskGb;
				return storages.get(node.id)?.find(({ storage }) => storage === has.storage)?.freeGb ?? 0;
			})
		};
	};
	const node = nodes.find(({ id }) => id === has.nodeId)!;
	const judged = (gone: Held[]) =>
		judgeGrowth(has, wanted, {
			...{ online: node.status !== 'offline', moving: has.moveToNodeId !== null },
			free: freeWithout(gone)
		});
	const growth = judged([]);
	if (!lacksRoom(growth)) return growth;
	const held = (await heldAhead(tx)).filter(({ nodeId }) => ids.includes(nodeId));
	const going = held.filter(({ retiring }) => retiring);
	const fits = (gone: Held[]) => !lacksRoom(judged([...going, ...gone]));
	const yields = fits([])
		? []
		: fewest(
				held.filter(({ retiring }) => !retiring),
				fits
			);
	if (!yields) return growth;
	const others = growth.reasons.filter((reason) => !('free' in reason));
	return {
		...growth,
		fits: others.length === 0,
		reasons: [...others, { code: 'coming' }],
		yields: yields.map(({ containerId, vmid }) => ({ containerId, vmid }))
	};
}

/**
 * Promises a container other limits: its row is the reservation, and what Proxmox is then made to have. Decided under the
 * lock of placements, so that nobody is placed where it grows. What it has already is kept of its disk.
 * One that is on its way to another node is promised nothing: both nodes hold what it had when it began. Where what was made
 * ahead for others is in the way (`coming`), it goes, and nothing is promised until it is gone: ask again in a moment.
 * @param actualDiskGb what Proxmox says its disk is, where that is known: a promise that was never kept is forgotten
 * @returns the growth; nothing was promised when it does not fit
 */
export async function holdGrowth(
	tx: Tx,
	containerId: string,
	wanted: Resources,
	actualDiskGb?: number
): Promise<Growth> {
	const growth = await growthOf(tx, containerId, wanted, { locked: true });
	if (growth.reasons.some(({ code }) => code !== 'offline')) {
		const isMoving = growth.reasons.some(({ code }) => code === 'moving');
		if (growth.yields && !isMoving) await yieldRoom(tx, { containers: growth.yields });
		return growth;
	}
	const to =
		actualDiskGb === undefined
			? growth.to
			: { ...growth.to, diskGb: Math.max(actualDiskGb, wanted.diskGb) };
	await tx.container.update({ where: { id: containerId }, data: { ...to } });
	await publish(tx, 'staff:containers', containerId);
	return { ...growth, to };
}

/**
 * Takes a promise back: the row has the limits of before again.
 * @param before with the disk that it has in fact: a disk never shrinks
 */
export async function releaseGrowth(tx: Tx, containerId: string, before: Resources): Promise<void> {
	await lock(tx, PLACEMENT_LOCK);
	await tx.container.update({ where: { id: containerId }, data: { ...before } });
	await capacityAppeared(tx);
	await publish(tx, 'staff:containers', containerId);
}

/** GiB of a container's disk as Proxmox has it. @throws {ProxmoxError} when it is not there, or not ours */
export async function actualDisk(containerId: string, trace: Trace): Promise<number> {
	const target = await loadTarget(containerId);
	const proxmox = await proxmoxOn(target.nodeId, trace);
	const { config } = await ours(proxmox, target);
	return Math.round(diskSizeGb(config.rootfs));
}

const MOST_CHANGES = 12;

/**
 * Makes a container have the limits that its row says, and reads them back: cores and memory at once, the disk by a task.
 * Looks before each change, so that it may run any number of times and after any death. It is neither started nor stopped,
 * and left alone while it is on its way to another node.
 * @throws {ProxmoxError} retryable where trying again helps
 */
export async function applyLimits(
	containerId: string,
	trace: Trace,
	signal?: AbortSignal
): Promise<Resources> {
	const first = await loadTarget(containerId);
	const proxmox = await proxmoxOn(first.nodeId, trace);
	for (let changes = 0; changes < MOST_CHANGES; changes++) {
		signal?.throwIfAborted();
		const target = await loadTarget(containerId);
		if (await isMoving(containerId)) throw notYet(`CT ${target.vmid} is being moved`, 'locked');
		if (target.taskUpid) await endOf(proxmox, target.id, target.taskUpid, signal);
		const { node, lock: held, config } = await ours(proxmox, target);
		if (held) throw notYet(`CT ${target.vmid} is locked (${held})`, 'locked');
		const { cpuCores, ramMb, diskGb } = target.wanted;
		if (config.cores !== cpuCores || config.memory !== ramMb) {
			await proxmox.setConfig(node, target.vmid, { cores: cpuCores, memory: ramMb });
			continue;
		}
		if (diskSizeGb(config.rootfs) >= diskGb) return { cpuCores, ramMb, diskGb };
		const upid = await proxmox.resize(node, target.vmid, `${diskGb}G`);
		if (!upid) continue;
		await db.container.update({ where: { id: target.id }, data: { taskUpid: upid } });
		await endOf(proxmox, target.id, upid, signal);
	}
	throw notYet(`container ${containerId} does not come to have its limits`, 'refused');
}

async function isMoving(id: string): Promise<boolean> {
	const { moveToNodeId } = await db.container.findUniqueOrThrow({
		where: { id },
		select: { moveToNodeId: true }
	});
	return moveToNodeId !== null;
}

async function ours(
	proxmox: ProxmoxClient,
	target: Target
): Promise<{
	node: string;
	lock: string | null;
	config: Pick<ContainerConfig, 'cores' | 'memory' | 'rootfs'>;
}> {
	const seen = await look(proxmox, target);
	if (seen && isOurs(seen, target.id)) return seen;
	throw notYet(`CT ${target.vmid} is not there, or not ours`, 'not_found');
}

/** Waits for a task and forgets it, however it ended. */
async function endOf(
	proxmox: ProxmoxClient,
	containerId: string,
	upid: string,
	signal?: AbortSignal
): Promise<void> {
	const forget = () =>
		db.container.updateMany({
			where: { id: containerId, taskUpid: upid },
			data: { taskUpid: null }
		});
	try {
		await taskOf(proxmox, upid, signal);
		await forget();
	} catch (error) {
		if (error instanceof ProxmoxError && error.kind !== 'task_running') await forget();
		throw error;
	}
}

function notYet(message: string, kind: 'locked' | 'refused' | 'not_found'): ProxmoxError {
	return new ProxmoxError({ operation: 'lxc.limits', kind, message, retryable: true });
}
