import { setTimeout as sleep } from 'node:timers/promises';
import { ProxmoxError } from '#lib/integrations/proxmox/errors.ts';
import type { ProxmoxClient } from '#lib/integrations/proxmox/proxmox.server.ts';
import { isCopying, look } from './guests.server.ts';
import { isOurs } from './reconcile.ts';
import { taskOf } from './tasks.server.ts';

/** Where a container of ours lies, or may lie. */
export interface Remains {
	/** Its row, which its mark names. */
	containerId: string;
	nodeName: string;
	vmid: number;
	/** Task that was begun last for it. */
	taskUpid: string | null;
}

const MOST_LOOKS = 240;

/**
 * Destroys a container of ours in Proxmox, after its running tasks: a copy that is being made is stopped or waited out.
 * @returns whether there was something to destroy; what lacks the mark is left alone
 * @throws {ProxmoxError} when it does not go away
 */
export async function destroyMarked(
	proxmox: ProxmoxClient,
	remains: Remains,
	signal: AbortSignal
): Promise<boolean> {
	let found = false;
	let { taskUpid } = remains;
	let unmade = 0;
	for (let looks = 0; looks < MOST_LOOKS; looks++) {
		signal.throwIfAborted();
		if (taskUpid) {
			await endTask(proxmox, taskUpid, signal);
			taskUpid = null;
		}
		const seen = await look(proxmox, remains);
		if (!seen || !isOurs(seen, remains.containerId)) return found;
		found = true;
		const { vmid } = remains;
		if (seen.lock === 'create') {
			// The answer to the copy was lost: it is somebody's task on one of the nodes, or nobody's after a power cut.
			if (await isCopying(proxmox, null, await nodesOf(proxmox))) unmade = 0;
			else if (++unmade > 2) {
				await taskOf(proxmox, await proxmox.destroy(seen.node, vmid, { force: true }), signal);
			}
			await sleep(500, undefined, { signal });
		} else if (seen.lock) {
			await sleep(500, undefined, { signal });
		} else if (seen.managed) {
			// While the HA manager looks after it, what is stopped is started again.
			await letGo(proxmox, vmid);
		} else if (seen.running) {
			await attempt(proxmox, () => proxmox.stop(seen.node, vmid, {}), signal);
		} else {
			await attempt(proxmox, () => proxmox.destroy(seen.node, vmid, { purge: true }), signal);
		}
	}
	throw new ProxmoxError({
		operation: 'lxc.destroy',
		kind: 'locked',
		message: `CT ${remains.vmid} does not go away`,
		retryable: true
	});
}

/** One change; when somebody else was quicker, the next look tells. */
async function attempt(
	proxmox: ProxmoxClient,
	change: () => Promise<string>,
	signal: AbortSignal
): Promise<void> {
	try {
		await taskOf(proxmox, await change(), signal);
	} catch (error) {
		const overtaken =
			error instanceof ProxmoxError &&
			(error.locked || error.kind === 'not_found' || /not running/i.test(error.message));
		if (!overtaken) throw error;
		await sleep(500, undefined, { signal });
	}
}

async function letGo(proxmox: ProxmoxClient, vmid: number): Promise<void> {
	try {
		await proxmox.deleteHaResource(vmid);
	} catch (error) {
		const isGone = error instanceof ProxmoxError && error.kind === 'not_found';
		if (!isGone) throw error;
	}
}

/** Stops a task that still runs; Proxmox then takes back what it had begun. */
async function endTask(proxmox: ProxmoxClient, upid: string, signal: AbortSignal): Promise<void> {
	try {
		if ((await proxmox.taskStatus(upid)).status === 'stopped') return;
		await proxmox.stopTask(upid);
		await taskOf(proxmox, upid, signal);
	} catch (error) {
		// How it ended does not matter here: the look tells what it left.
		if (!(error instanceof ProxmoxError) || error.retryable) throw error;
	}
}

async function nodesOf(proxmox: ProxmoxClient): Promise<string[]> {
	const nodes = await proxmox.resources('node');
	return nodes.flatMap(({ node, status }) => (node && status === 'online' ? [node] : []));
}
