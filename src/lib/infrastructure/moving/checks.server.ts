import { GIB } from '#lib/core/bytes.ts';
import { db } from '#lib/core/db.server.ts';
import { ProxmoxError } from '#lib/integrations/proxmox/errors.ts';
import type { ProxmoxClient } from '#lib/integrations/proxmox/proxmox.server.ts';
import type { Run } from '../containers/progress.ts';
import { diskSizeGb, type Seen } from '../containers/reconcile.ts';
import { worksOnIt } from '../containers/tasks.server.ts';
import { proxmoxOn } from '../nodes/clients.server.ts';
import { placingState, unwellBy, type Unwell } from '../nodes/health.ts';
import { whereIs, type Moving } from './whereabouts.server.ts';

/** Something that speaks against a move now, as a code and what makes it so. */
export interface Obstacle {
	code:
		| 'gone'
		| 'not_ours'
		| 'elsewhere'
		| 'locked'
		| 'task_running'
		| 'not_running'
		| 'target_offline'
		| 'target_maintenance'
		| 'older'
		| 'storage_missing'
		| 'storage_full'
		| 'bridge_missing'
		| 'clock'
		| 'no_quorum'
		| 'not_allowed';
	words?: string;
	/** It passes by itself. */
	passes?: boolean;
}

/** From here on certificates, leases and what databases write are no longer to be trusted. */
const CLOCK_MS = 60_000;

/**
 * Everything that is looked at before a container is taken off the air for a move, asked now of both nodes.
 * @returns what speaks against it; null: nothing
 * @throws {ProxmoxError} when a node does not answer
 */
export async function obstacleOf(
	run: Pick<Run, 'trace'>,
	container: Moving,
	nodes: { fromNodeId: string; toNodeId: string }
): Promise<Obstacle | null> {
	const place = await whereIs(container, run.trace);
	if (place.is !== 'there') return { code: place.is };
	// An earlier try brought it there.
	if (place.nodeId === nodes.toNodeId) return null;
	if (place.nodeId !== nodes.fromNodeId) return { code: 'elsewhere', words: place.seen.node };
	const { seen, proxmox } = place;
	if (seen.lock) return { code: 'locked', words: `CT is locked (${seen.lock})`, passes: true };
	if (container.wantedRunning && !seen.running) return { code: 'not_running' };
	const tasks = await proxmox.tasks(seen.node, { vmid: container.vmid, source: 'active' });
	const busy = tasks.find(worksOnIt);
	if (busy) return { code: 'task_running', words: busy.type, passes: true };
	if (!(await isQuorate(proxmox))) return { code: 'no_quorum', passes: true };
	return obstacleOnTarget(run, container, seen, { proxmox, ...nodes });
}

async function obstacleOnTarget(
	run: Pick<Run, 'trace'>,
	container: Moving,
	seen: Seen,
	{
		proxmox,
		toNodeId,
		fromNodeId
	}: { proxmox: ProxmoxClient; toNodeId: string; fromNodeId: string }
): Promise<Obstacle | null> {
	const target = await db.node.findUniqueOrThrow({ where: { id: toNodeId } });
	const state = placingState(target);
	if (state === 'maintenance') return { code: 'target_maintenance', words: target.name };
	const isWell = unwellBy(target).every((reason) => ASKED_NOW.includes(reason));
	if (state === 'offline' || !isWell) return { code: 'target_offline', words: target.name };
	const there = await proxmoxOn(toNodeId, run.trace);
	const source = await db.node.findUniqueOrThrow({ where: { id: fromNodeId } });
	return (
		older(await proxmox.nodeStatus(source.name), await there.nodeStatus(target.name)) ??
		clock(await there.nodeTime(target.name)) ??
		(await storage(there, target.name, seen)) ??
		(await bridge(there, target.name, seen)) ??
		(await refusal(proxmox, seen.node, container.vmid, target.name))
	);
}

/** What the last look found wrong that is asked anew, and told by its own name. */
const ASKED_NOW: Unwell[] = ['quorum', 'clock'];

/** Without a majority nothing can be moved; who may not see it finds out when it is refused. */
async function isQuorate(proxmox: ProxmoxClient): Promise<boolean> {
	try {
		const cluster = (await proxmox.clusterStatus()).find(({ type }) => type === 'cluster');
		return cluster?.type !== 'cluster' || cluster.quorate;
	} catch (error) {
		if (error instanceof ProxmoxError && error.kind === 'forbidden') return true;
		throw error;
	}
}

/** An older Proxmox may not know what a newer one wrote into the container's configuration. */
function older(from: { pveversion: string }, to: { pveversion: string }): Obstacle | null {
	const [is, will] = [versionOf(from.pveversion), versionOf(to.pveversion)];
	const isOlder = will[0]! < is[0]! || (will[0] === is[0] && will[1]! < is[1]!);
	return isOlder ? { code: 'older', words: `${is.join('.')} → ${will.join('.')}` } : null;
}

/** `pve-manager/9.1.4/…` → [9, 1] */
function versionOf(text: string): [number, number] {
	const found = /(\d+)\.(\d+)/.exec(text);
	return [Number(found?.[1] ?? 0), Number(found?.[2] ?? 0)];
}

function clock({ time }: { time: number }): Obstacle | null {
	const skew = time * 1000 - Date.now();
	return Math.abs(skew) > CLOCK_MS
		? { code: 'clock', words: `${Math.round(skew / 1000)} s` }
		: null;
}

/** Where its root disk goes, and whether it fits; a shared one is there already. */
async function storage(proxmox: ProxmoxClient, node: string, seen: Seen): Promise<Obstacle | null> {
	const rootfs = seen.config.rootfs ?? '';
	const name = rootfs.split(':')[0] ?? '';
	const found = (await proxmox.storages(node, 'rootdir')).find((one) => one.storage === name);
	if (!found?.active || !found.enabled)
		return { code: 'storage_missing', words: `${name} @ ${node}` };
	if (found.shared) return null;
	const needed = diskSizeGb(rootfs);
	const free = found.avail / GIB;
	return needed > free
		? {
				code: 'storage_full',
				words: `${name} @ ${node}: ${Math.floor(free)} GiB < ${Math.ceil(needed)} GiB`
			}
		: null;
}

async function bridge(proxmox: ProxmoxClient, node: string, seen: Seen): Promise<Obstacle | null> {
	const wanted = /(?:^|,)bridge=([^,]+)/.exec(seen.config.net0 ?? '')?.[1];
	if (!wanted) return null;
	const has = (await proxmox.bridges(node)).some(({ iface }) => iface === wanted);
	return has ? null : { code: 'bridge_missing', words: `${wanted} @ ${node}` };
}

/** What Proxmox itself says beforehand; releases that are asked nothing of the kind say nothing. */
async function refusal(
	proxmox: ProxmoxClient,
	node: string,
	vmid: number,
	target: string
): Promise<Obstacle | null> {
	try {
		const said = await proxmox.migratePreconditions(node, vmid, target);
		const against = said['not-allowed-nodes']?.[target];
		if (against !== undefined) return { code: 'not_allowed', words: JSON.stringify(against) };
		const allowed = said['allowed-nodes'];
		return allowed && !allowed.includes(target) ? { code: 'not_allowed', words: target } : null;
	} catch (error) {
		if (error instanceof ProxmoxError && (error.kind === 'not_found' || error.code === '501'))
			return null;
		if (error instanceof ProxmoxError && error.kind === 'forbidden')
			return { code: 'not_allowed', words: error.message };
		throw error;
	}
}
