import { db } from '#lib/core/db.server.ts';
import { ProxmoxError } from '#lib/integrations/proxmox/errors.ts';
import type { ProxmoxClient } from '#lib/integrations/proxmox/proxmox.server.ts';
import { setting } from '#lib/settings/settings.server.ts';
import { look } from '../containers/guests.server.ts';
import { writeMark } from '../containers/marks.ts';
import type { ContainerProgress, ContainerWait, Run } from '../containers/progress.ts';
import { isOurs } from '../containers/reconcile.ts';
import { askCluster, isDown, isWithoutQuorum, type Trace } from '../nodes/clients.server.ts';
import { keepGuard } from './guards.server.ts';
import { lookAtHa } from './haLook.server.ts';
import { nextDropStep, nextHaStep, type DropStep, type HaStep, type HaWanted } from './haSteps.ts';
import { releasePartner, reservePartner } from './partner.server.ts';

const MOST_LOOKS = 40;
/** Looks at what Proxmox itself has to do before the run sleeps. */
const LOOKS_AT_WORK = 12;

type HaRun = Pick<Run, 'signal' | 'sleep' | 'write' | 'log'> & { trace: Trace };

/** A container and its two nodes, as our rows have them. */
interface Guarded {
	id: string;
	clusterId: string;
	nodeId: string;
	nodeName: string;
	vmid: number;
	ip: string;
	wanted: HaWanted;
}

/**
 * Makes a container fail over to its second node: its disks are sent there (unless both share the storage), Proxmox's HA
 * manager looks after it, and a rule keeps it on the two. Where it has no second node yet, one is reserved. Looks before
 * each change, and is ready when the manager says that it has it and the disks are there. May run any number of times, and
 * puts right what differs. Answers a wait rather than to hold the worker long.
 * @param options `again`: the manager gave up on it, and is to try again
 * @throws {ProxmoxError} retryable or ambiguous where trying again helps
 */
export async function ensureHa(
	run: HaRun,
	containerId: string,
	{ again = false } = {}
): Promise<ContainerProgress> {
	const partner = await run.write((tx) => reservePartner(tx, containerId));
	const target = await loadGuarded(containerId);
	if (!target) {
		const row = await placeOf(containerId);
		if (!('reasons' in partner)) return { ready: false, wait: 60, reason: 'ha_partner', ...row };
		await run.log('info', 'no second node', { reasons: partner.reasons });
		// What was made ahead for others is going: there is room in a moment.
		return { ready: false, wait: partner.yields ? 5 : 60, reason: 'ha_partner', ...row };
	}
	try {
		return await askCluster(target.clusterId, run.trace, (proxmox) =>
			bringUnder(run, proxmox, { ...target, again })
		);
	} catch (error) {
		if (isWithoutQuorum(error)) return notYet(target, 'no_quorum', 15);
		if (!isDown(error)) throw error;
		return notYet(target, 'node_offline', 30);
	}
}

async function bringUnder(
	run: HaRun,
	proxmox: ProxmoxClient,
	{ again, ...first }: Guarded & { again: boolean }
): Promise<ContainerProgress> {
	await mustBeOurs(proxmox, first);
	let target: Guarded = first;
	let idle = 0;
	for (let looks = 0; looks < MOST_LOOKS; looks++) {
		run.signal.throwIfAborted();
		const seen = await lookAtHa(proxmox, target.vmid, target.nodeName);
		// It was taken elsewhere while we looked: the row follows, and so do we.
		if (seen.node && seen.node !== target.nodeName) return notYet(target, 'ha_starting', 5);
		const step = nextHaStep({ ...target.wanted, again }, seen);
		if (step.do === 'ready') {
			await run.write((tx) => keepGuard(tx, target.id, target.wanted, seen));
			const { nodeId, nodeName: node, vmid, ip } = target;
			return { ready: true, nodeId, node, vmid, ip };
		}
		if (step.do === 'wait') {
			if (seen.copy?.error)
				await run.log('warning', `replication of CT ${target.vmid}: ${seen.copy.error}`);
			if (++idle > LOOKS_AT_WORK) return notYet(target, step.for, 15);
			await run.sleep(idle < 4 ? 0.3 : 2);
			continue;
		}
		await change(proxmox, target.wanted, step);
		target = (await loadGuarded(target.id)) ?? target;
	}
	throw new ProxmoxError({
		operation: 'ha.ensure',
		kind: 'refused',
		message: `CT ${first.vmid} does not come under high availability`,
		retryable: true
	});
}

async function change(
	proxmox: ProxmoxClient,
	{ vmid, mark, node, partner, schedule }: HaWanted,
	step: Exclude<HaStep, { do: 'ready' | 'wait' }>
): Promise<void> {
	switch (step.do) {
		case 'drop_replication':
			return unlessGone(proxmox.deleteReplication(step.id, step.force ? { force: true } : {}));
		case 'replicate':
			await unlessThere(
				proxmox.createReplication(step.id, { target: partner, schedule, comment: mark })
			);
			return;
		case 'reschedule':
			await proxmox.setReplication(step.id, { schedule, disable: false });
			return;
		case 'manage':
			return unlessThere(
				proxmox.createHaResource(vmid, { state: step.state, failback: false, comment: mark })
			);
		case 'request':
			await proxmox.setHaResource(vmid, { state: step.state, failback: false });
			return;
		case 'drop_rule':
			return unlessGone(proxmox.deleteHaRule(step.rule));
		case 'make_rule':
			return unlessThere(
				proxmox.createHaRule(step.rule, { vmid, nodes: [node, partner], comment: mark })
			);
	}
}

/**
 * Takes a container out of high availability: the manager lets it go as it is, the copy on the second node is removed, and
 * the room there is given back. Only what we made is removed. May run any number of times.
 * @throws {ProxmoxError} retryable where trying again helps
 */
export async function removeHa(run: HaRun, containerId: string): Promise<void> {
	const row = await db.container.findUniqueOrThrow({
		where: { id: containerId },
		include: { node: { select: { name: true } } }
	});
	if (row.status !== 'deleted') {
		const { vmid, clusterId, node } = row;
		await askCluster(clusterId, run.trace, (proxmox) =>
			letGo(run, proxmox, { vmid, containerId, nodeName: node.name })
		);
	}
	await run.write((tx) => releasePartner(tx, containerId));
}

async function letGo(
	run: Pick<HaRun, 'signal' | 'sleep'>,
	proxmox: ProxmoxClient,
	target: { vmid: number; containerId: string; nodeName: string }
): Promise<void> {
	for (let looks = 0; looks < MOST_LOOKS; looks++) {
		run.signal.throwIfAborted();
		const seen = await lookAtHa(proxmox, target.vmid, target.nodeName);
		const step = nextDropStep(target, seen);
		if (step.do === 'gone') return;
		if (step.do === 'wait') await run.sleep(looks < 4 ? 0.3 : 3);
		else await drop(proxmox, target.vmid, step);
	}
	throw new ProxmoxError({
		operation: 'ha.remove',
		kind: 'locked',
		message: `CT ${target.vmid} does not leave high availability`,
		retryable: true
	});
}

async function drop(
	proxmox: ProxmoxClient,
	vmid: number,
	step: Exclude<DropStep, { do: 'gone' | 'wait' }>
): Promise<void> {
	if (step.do === 'forget') return unlessGone(proxmox.deleteHaResource(vmid));
	if (step.do === 'drop_rule') return unlessGone(proxmox.deleteHaRule(step.rule));
	return unlessGone(proxmox.deleteReplication(step.id, step.force ? { force: true } : {}));
}

/** What somebody was quicker with, or what a lost answer had done, is done. */
async function unlessThere(call: Promise<unknown>): Promise<void> {
	await call.catch((error: unknown) => {
		if (!(error instanceof ProxmoxError && error.kind === 'exists')) throw error;
	});
}

async function unlessGone(call: Promise<unknown>): Promise<void> {
	await call.catch((error: unknown) => {
		if (!(error instanceof ProxmoxError && error.kind === 'not_found')) throw error;
	});
}

/** @throws {ProxmoxError} when the VMID holds something else, which is never taken under our care */
async function mustBeOurs(proxmox: ProxmoxClient, { id, nodeName, vmid }: Guarded): Promise<void> {
	const seen = await look(proxmox, { nodeName, vmid });
	if (seen && isOurs(seen, id)) return;
	throw new ProxmoxError({
		operation: 'ha.ensure',
		kind: 'not_found',
		message: `CT ${vmid} is not there, or not ours`
	});
}

function notYet(
	{ nodeName: node, vmid }: Guarded,
	reason: ContainerWait,
	wait: number
): ContainerProgress {
	return { ready: false, wait, reason, node, vmid };
}

async function placeOf(containerId: string): Promise<{ node: string; vmid: number }> {
	const { node, vmid } = await db.container.findUniqueOrThrow({
		where: { id: containerId },
		select: { vmid: true, node: { select: { name: true } } }
	});
	return { node: node.name, vmid };
}

/** @returns null while it has no second node */
async function loadGuarded(containerId: string): Promise<Guarded | null> {
	const row = await db.container.findUniqueOrThrow({
		where: { id: containerId },
		include: {
			node: { select: { name: true, cluster: { select: { rootfsStorage: true } } } },
			haNode: { select: { name: true } }
		}
	});
	if (!row.haNode) return null;
	const storage = row.storage ?? row.node.cluster.rootfsStorage;
	const stored = await db.nodeStorage.findUnique({
		where: { nodeId_storage: { nodeId: row.nodeId, storage } },
		select: { shared: true }
	});
	const { id, clusterId, nodeId, vmid, ipAddress, wantedRunning: running } = row;
	return {
		...{ id, clusterId, nodeId, nodeName: row.node.name, vmid, ip: ipAddress ?? '' },
		wanted: {
			...{ containerId, vmid, node: row.node.name, partner: row.haNode.name, running },
			mark: writeMark({ containerId, jobId: row.createdByJobId ?? containerId }),
			replicated: stored?.shared !== true,
			schedule: `*/${await setting('infrastructure.replication_minutes')}`
		}
	};
}
