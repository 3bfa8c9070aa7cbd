import { db, lock, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { publish } from '#lib/core/live.server.ts';
import { wakeSaga } from '#lib/core/saga.server.ts';
import { ProxmoxError } from '#lib/integrations/proxmox/errors.ts';
import type { ProxmoxClient } from '#lib/integrations/proxmox/proxmox.server.ts';
import {
	askCluster,
	isDown,
	isWithoutQuorum,
	proxmoxOn,
	readTakenVmids
} from '../nodes/clients.server.ts';
import { endTurn } from './cloneQueue.server.ts';
import { copyTemplate, waitForCopy } from './clones.server.ts';
import { loadTarget, look, type Target } from './guests.server.ts';
import { goneTo } from '../ha/standby.ts';
import { attachDatabases, detachDatabases } from '../postgres/attach.server.ts';
import {
	anotherVmid,
	moveReservation,
	PLACEMENT_LOCK,
	releaseContainer
} from '../placement/placement.server.ts';
import { othersIn } from '../placement/slots.server.ts';
import { waiting, type ContainerProgress, type Run } from './progress.ts';
import { nextAction, type Action } from './reconcile.ts';
import { destroyMarked } from './removal.server.ts';
import { containerTransition } from '../states.ts';
import { follow } from './tasks.server.ts';

/** Changes after which this leads nowhere, and nodes that are tried one after the other. */
const MOST_CHANGES = 25;
const MOST_NODES = 4;
/** Looks at what another run makes before this one sleeps. */
const LOOKS_AT_OTHERS = 8;

/**
 * Makes a reserved container real: cloned from the template, with its limits, address and mark, started, and read back.
 * Looks before each change, so that it may run any number of times and after any crash; a lost answer is found by the
 * mark, and a VMID that turns out to be somebody else's is given up. Answers a wait rather than to hold the worker long.
 * @throws {ProxmoxError} retryable or ambiguous where trying again helps
 */
export async function ensureContainer(run: Run, containerId: string): Promise<ContainerProgress> {
	for (let nodes = 0; nodes < MOST_NODES; nodes++) {
		const target = await whenOurs(run, containerId);
		if ('reason' in target) return target;
		const progress = await ensureOnNode(run, target);
		if (progress) return progress;
	}
	throw new ProxmoxError({
		operation: 'lxc.ensure',
		kind: 'refused',
		message: `container ${containerId} does not become what it should be`,
		retryable: true
	});
}

/** Over one connection to the container's node. @returns null when it goes on at another node, or after many changes */
async function ensureOnNode(run: Run, first: Target): Promise<ContainerProgress | null> {
	const proxmox = await proxmoxOn(first.nodeId, run.trace);
	let target = first;
	try {
		for (let changes = 0; changes < MOST_CHANGES && target.nodeId === first.nodeId; changes++) {
			run.signal.throwIfAborted();
			const progress = await advance(run, proxmox, target);
			if (progress) return progress;
			target = await loadTarget(target.id);
		}
		return null;
	} catch (error) {
		if (isWithoutQuorum(error)) return waiting('no_quorum', 15, target);
		if (!isDown(error)) throw error;
		return (await whenNodeIsDown(run, target)) ? null : waiting('node_offline', 30, target);
	}
}

/** The container once this run may make it, or the wait for the run that does. */
async function whenOurs(
	run: Run,
	containerId: string
): Promise<Target | Extract<ContainerProgress, { ready: false }>> {
	for (let looks = 0; ; looks++) {
		const target = await loadTarget(containerId);
		if (await isOurTask(run, target)) return target;
		// Whoever makes it may need the worker that this run would keep; its end wakes us.
		if (looks === LOOKS_AT_OTHERS) return waiting('being_made', 20, target);
		await run.sleep(0.5);
	}
}

/** One look and one change. @returns null when it is to look again */
async function advance(
	run: Run,
	proxmox: ProxmoxClient,
	target: Target
): Promise<ContainerProgress | null> {
	// A copy is followed by its lock, so that the queue for its template hears that it goes on.
	if (target.taskUpid && !target.taskUpid.includes(':vzclone:')) {
		if (!(await follow(run, proxmox, target.id, target.taskUpid))) {
			return waiting('task_running', 15, target);
		}
	}
	const seen = await look(proxmox, target);
	const action = nextAction(target.wanted, seen);
	if (action.do === 'clone') {
		if (target.nodeStatus !== 'maintenance') return copyTemplate(run, proxmox, target);
		return (await moveElsewhere(run, target)) ? null : waiting('node_maintenance', 60, target);
	}
	if (action.do === 'another_vmid') {
		const taken = await readTakenVmids(run.trace);
		const vmid = await run.write((tx) => anotherVmid(tx, target.id, taken));
		await run.log('warning', `VMID ${target.vmid} is somebody else's; taking ${vmid}`);
		return null;
	}
	const node = seen && seen !== 'foreign' ? seen.node : target.nodeName;
	if (action.do === 'wait') {
		if (action.lock === 'create') return waitForCopy(run, proxmox, target, node);
		await run.sleep(1);
		return waiting('task_running', 2, target);
	}
	await run.write((tx) => endTurn(tx, target.id));
	if (node !== target.nodeName) await follows(run, target, node);
	if (action.do === 'ready')
		return (await attachDatabases(run, target)) ?? (await finish(run, target, node));
	await change(run, proxmox, target, node, action);
	return null;
}

async function change(
	run: Run,
	proxmox: ProxmoxClient,
	target: Target,
	node: string,
	action: Extract<Action, { do: 'configure' | 'resize' | 'start' }>
): Promise<void> {
	if (action.do === 'configure') {
		await proxmox.setConfig(node, target.vmid, action.set);
		return;
	}
	const upid =
		action.do === 'resize'
			? await proxmox.resize(node, target.vmid, `${action.diskGb}G`)
			: await start(proxmox, node, target.vmid);
	if (!upid) return;
	await run.write((tx) =>
		tx.container.update({ where: { id: target.id }, data: { taskUpid: upid } })
	);
	await follow(run, proxmox, target.id, upid);
}

/** @returns null when it runs already: the answer to an earlier start was lost */
async function start(proxmox: ProxmoxClient, node: string, vmid: number): Promise<string | null> {
	try {
		return await proxmox.start(node, vmid, {});
	} catch (error) {
		if (error instanceof ProxmoxError && /already running/i.test(error.message)) return null;
		throw error;
	}
}

async function finish(run: Run, target: Target, node: string): Promise<ContainerProgress> {
	const row = await run.write(async (tx) => {
		const { status } = await tx.container.findUniqueOrThrow({ where: { id: target.id } });
		if (status === 'provisioning') await wakeTenants(tx, target.id, run.jobId);
		await publish(tx, 'staff:containers', target.id);
		return tx.container.update({
			where: { id: target.id },
			data: { status: containerTransition(status, 'running'), taskUpid: null }
		});
	});
	return {
		ready: true,
		nodeId: row.nodeId,
		node,
		vmid: row.vmid,
		ip: target.wanted.address.split('/')[0]!
	};
}

/** Those who wait for a shared container, or are about to sleep over it, go on now. */
async function wakeTenants(tx: Tx, containerId: string, jobId: string): Promise<void> {
	const tenants = await tx.tenant.findMany({ where: { containerId }, select: { id: true } });
	const waiting = await tx.provisioningJob.findMany({
		where: {
			subjectId: { in: tenants.map(({ id }) => id) },
			status: { in: ['running', 'waiting'] },
			NOT: { id: jobId }
		},
		select: { id: true }
	});
	for (const { id } of waiting) await wakeSaga(tx, id);
}

/** It was moved by hand or by a failover: the row goes where the container is. */
async function follows(run: Run, target: Target, nodeName: string): Promise<void> {
	await run.write(async (tx) => {
		const node = await tx.node.findUnique({
			where: { clusterId_name: { clusterId: target.clusterId, name: nodeName } },
			select: { id: true }
		});
		const row = await tx.container.findUniqueOrThrow({ where: { id: target.id } });
		if (node) await tx.container.update({ where: { id: target.id }, data: goneTo(row, node.id) });
	});
}

/**
 * A shared container that another run makes is left to it while that run is alive; of those who wait, one takes it over.
 * @returns whether this run goes on with the container
 */
async function isOurTask(run: Run, target: Target): Promise<boolean> {
	if (target.status !== 'provisioning' || target.createdByJobId === run.jobId) return true;
	const alive = await db.provisioningJob.count({
		where: {
			id: target.createdByJobId ?? undefined,
			status: { in: ['queued', 'running', 'waiting'] }
		}
	});
	if (alive > 0) return false;
	const { count } = await run.write((tx) =>
		tx.container.updateMany({
			where: { id: target.id, createdByJobId: target.createdByJobId, status: 'provisioning' },
			data: { createdByJobId: run.jobId }
		})
	);
	if (count > 0) await run.log('info', `takes over CT ${target.vmid} from a run that has ended`);
	return count > 0;
}

/**
 * Its node is down, and halted by its breaker. Where Proxmox has nothing of it yet, it goes to another node; otherwise
 * only the node can help.
 * @returns whether to go on elsewhere
 */
async function whenNodeIsDown(run: Run, target: Target): Promise<boolean> {
	const guests = await askCluster(target.clusterId, run.trace, (proxmox) =>
		proxmox.resources('vm')
	);
	return !guests.some(({ vmid }) => vmid === target.vmid) && moveElsewhere(run, target);
}

/** Proxmox has nothing of it, and its node takes nothing: its place goes to another one. @returns whether there is one */
async function moveElsewhere(run: Run, target: Target): Promise<boolean> {
	const node = await run.write((tx) => moveReservation(tx, target.id));
	if (node)
		await run.log(
			'warning',
			`${target.nodeName} takes nothing now; CT ${target.vmid} goes to ${node}`
		);
	return node !== null;
}

/**
 * Takes a container down for good and gives its place back: for the undo of a set-up and for the deletion of a tenant.
 * A shared container goes only with the run that made it, and only while nobody else is in it. Nothing that lacks the
 * mark of the row is touched. May run any number of times.
 * @param leaving the tenant that no longer counts as being in it
 * @returns whether it is gone; false: others live in it, or it was adopted
 * @throws {AppError} WRONG_STATE when somebody else is in a dedicated container
 * @throws {ProxmoxError} retryable where trying again helps
 */
export async function destroyContainer(
	run: Run,
	containerId: string,
	leaving: { tenantId: string }
): Promise<boolean> {
	const row = await run.write(async (tx) => {
		await lock(tx, PLACEMENT_LOCK);
		const container = await tx.container.findUniqueOrThrow({
			where: { id: containerId },
			include: { node: { select: { name: true } } }
		});
		if (container.status === 'deleted') return container;
		// It was there before us, and outlives what was linked to it.
		if (container.adopted) return null;
		const others = await othersIn(tx, containerId, leaving.tenantId);
		if (container.purpose === 'shared') {
			if (others > 0 || container.createdByJobId !== run.jobId) return null;
		} else if (others > 0) {
			throw new AppError('WRONG_STATE', { params: { from: 'occupied', to: 'deleted' } });
		}
		// From here on nobody is placed in it.
		await tx.container.update({ where: { id: containerId }, data: { retiring: true } });
		return container;
	});
	if (!row) return false;
	if (row.status === 'deleted') return true;
	await askCluster(row.clusterId, run.trace, (proxmox) =>
		destroyMarked(
			proxmox,
			{ containerId, nodeName: row.node.name, vmid: row.vmid, taskUpid: row.taskUpid },
			run.signal
		)
	);
	await detachDatabases(run, containerId);
	await run.write((tx) => releaseContainer(tx, containerId, leaving));
	return true;
}
