import { db, lock, transaction, type Tx } from '#lib/core/db.server.ts';
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
import { RESOURCES, type Resources } from '../placement/placement.ts';
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
		const committedOn = ({ id, committed }: NodeFigures) =>
			gone.filter(({ nodeId }) => nodeId === id).reduce(less, committed);
		return {
			cpuCores: least((node) => node.limit.cpuCores - committedOn(node).cpuCores),
			ramMb: least((node) => node.limit.ramMb - committedOn(node).ramMb),
			diskGb: least((node) => {
				if (!storages) return node.limit.diskGb - committedOn(node).diskGb;
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
 * Promises a container other limits: its row is the reservation, of what it has and of what it is to have, the larger of each.
 * What gets less goes on counting with what it has until `applyLimits` has read back that Proxmox took it away. Decided
 * under the lock of placements, so that nobody is placed where it grows.
 * One that is on its way to another node is promised nothing: both nodes hold what it had when it began. Where what was made
 * ahead for others is in the way (`coming`), it goes, and nothing is promised until it is gone: ask again in a moment.
 * @returns the growth; nothing was promised when it does not fit
 */
export async function holdGrowth(tx: Tx, containerId: string, wanted: Resources): Promise<Growth> {
	const growth = await growthOf(tx, containerId, wanted, { locked: true });
	if (growth.reasons.some(({ code }) => code !== 'offline')) {
		const isMoving = growth.reasons.some(({ code }) => code === 'moving');
		if (growth.yields && !isMoving) await yieldRoom(tx, { containers: growth.yields });
		return growth;
	}
	await tx.container.update({ where: { id: containerId }, data: promised(growth) });
	await publish(tx, 'staff:containers', containerId);
	return growth;
}

/** What the row of a container holds while its limits change. */
export function promised({ from, to }: Pick<Growth, 'from' | 'to'>): Resources {
	return {
		cpuCores: Math.max(from.cpuCores, to.cpuCores),
		ramMb: Math.max(from.ramMb, to.ramMb),
		diskGb: to.diskGb
	};
}

/**
 * Ends a promise: the row has these limits, and who waits for room looks again.
 * @param is what it has in fact, or had when nothing of the promise was ever asked of Proxmox
 */
export async function releaseGrowth(tx: Tx, containerId: string, is: Resources): Promise<void> {
	await lock(tx, PLACEMENT_LOCK);
	const { cpuCores, ramMb, diskGb } = is;
	await tx.container.update({ where: { id: containerId }, data: { cpuCores, ramMb, diskGb } });
	await capacityAppeared(tx);
	await publish(tx, 'staff:containers', containerId);
}

/**
 * Makes a container have limits that its row holds the room for, reads them back, and ends the promise: the row says what is
 * so, and what it no longer needs is free. Absent limits are the row's own.
 * @param promise the row as `holdGrowth` left it, where it is known: another that came since is not given back
 * @returns what it has now; a disk never shrinks
 * @throws {ProxmoxError} retryable where trying again, from the promise on, helps
 */
export async function applyLimits(
	containerId: string,
	wanted: Resources | null,
	trace: Trace,
	signal?: AbortSignal,
	promise?: Resources
): Promise<Resources> {
	const held = promise ?? (await limitsOf(db, containerId));
	const is = await setLimits(containerId, wanted ?? held, trace, signal);
	if (isSame(await limitsOf(db, containerId), is)) return is;
	await transaction(async (tx) => {
		await lock(tx, PLACEMENT_LOCK);
		const row = await limitsOf(tx, containerId);
		if (isSame(row, held)) return releaseGrowth(tx, containerId, is);
		// Another promise came meanwhile, and is its own to end; it must cover what is so.
		if (RESOURCES.some((code) => row[code] < is[code]))
			throw notYet(`container ${containerId} was promised otherwise meanwhile`, 'refused');
	});
	return is;
}

function limitsOf(tx: Tx, id: string): Promise<Resources> {
	const select = { cpuCores: true, ramMb: true, diskGb: true };
	return tx.container.findUniqueOrThrow({ where: { id }, select });
}

function isSame(some: Resources, others: Resources): boolean {
	return RESOURCES.every((code) => some[code] === others[code]);
}

const MOST_CHANGES = 12;

/**
 * Makes a container have these limits and reads them back: cores and memory at once, the disk by a task. The promise in its
 * row stays as it is. Looks before each change, so that it may run any number of times and after any death. It is neither
 * started nor stopped, and left alone while it is on its way to another node.
 * @returns what it has now
 * @throws {ProxmoxError} retryable where trying again helps
 */
export async function setLimits(
	containerId: string,
	{ cpuCores, ramMb, diskGb }: Resources,
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
		if (config.cores !== cpuCores || config.memory !== ramMb) {
			await proxmox.setConfig(node, target.vmid, { cores: cpuCores, memory: ramMb });
			continue;
		}
		const isGb = diskSizeGb(config.rootfs);
		if (isGb >= diskGb) return { cpuCores, ramMb, diskGb: Math.max(diskGb, Math.round(isGb)) };
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
