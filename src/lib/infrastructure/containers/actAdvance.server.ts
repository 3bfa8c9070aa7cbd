import { setTimeout as sleep } from 'node:timers/promises';
import { db } from '#lib/core/db.server.ts';
import type { ProxmoxClient } from '#lib/integrations/proxmox/proxmox.server.ts';
import { askCluster, isDown, proxmoxOn, type Trace } from '../nodes/clients.server.ts';
import { ask, followAct } from './actCalls.server.ts';
import { failureText, type Outcome, type Sight } from './actOutcome.ts';
import { isHeld } from './actRefusals.server.ts';
import { writeBegun, type Taken } from './actRow.server.ts';
import { nextStep, type Begun } from './actSteps.ts';
import { applyLimits } from './growth.server.ts';
import { look } from './guests.server.ts';
import { isThis } from './identity.ts';
import type { Seen } from './reconcile.ts';

/** The container of an act, as its row says. */
export interface Subject {
	id: string;
	clusterId: string;
	nodeId: string;
	nodeName: string;
	vmid: number;
	adopted: boolean;
	rootVolume: string | null;
}

const MOST_STEPS = 20;
/** Tasks that work on a container; a terminal that somebody has open holds nothing. */
const WORKS = /^(vz|ha|resize|move)/;

interface Work {
	act: Taken;
	subject: Subject;
	trace: Trace;
	signal: AbortSignal;
}

/**
 * Brings an act forward until it is done, fails, or has to wait: looks at what Proxmox has, follows what was begun, makes
 * the one change that is missing, and looks again.
 */
export async function advance(work: Work): Promise<Outcome> {
	const { subject, signal } = work;
	for (let steps = 0; steps < MOST_STEPS; steps++) {
		signal.throwIfAborted();
		if (await isHeld(db, subject.id)) return { is: 'waiting', why: 'held', seconds: 2 };
		const place = await find(work);
		if (!place) return { is: 'failed', why: 'gone', seen: null };
		if (!isThis(place.seen, subject)) return { is: 'failed', why: 'not_ours', seen: null };
		const outcome = await oneStep(work, place.proxmox, place.seen);
		if (outcome) return outcome;
		// Whoever got this far meets something slow.
		if (steps > 5) await sleep(500, undefined, { signal });
	}
	return { is: 'waiting', why: 'not_yet', seconds: 5 };
}

interface Place {
	proxmox: ProxmoxClient;
	seen: Seen | 'foreign';
}

/** Over its own node; where that is down, over another one, since it may have been moved there. Null: it is nowhere. */
async function find({ subject, trace }: Work): Promise<Place | null> {
	const { nodeId, nodeName, vmid, clusterId } = subject;
	try {
		const proxmox = await proxmoxOn(nodeId, trace);
		const seen = await look(proxmox, { nodeName, vmid });
		return seen && { proxmox, seen };
	} catch (error) {
		if (!isDown(error)) throw error;
		const moved = await askCluster(clusterId, trace, async (proxmox) => {
			const guest = (await proxmox.resources('vm')).find((one) => one.vmid === vmid);
			if (!guest?.node || guest.node === nodeName) return null;
			const seen = await look(proxmox, { nodeName: guest.node, vmid });
			return seen && { proxmox, seen };
		});
		if (!moved) throw error;
		return moved;
	}
}

/** @returns null when it is to look again */
async function oneStep(work: Work, proxmox: ProxmoxClient, seen: Seen): Promise<Outcome | null> {
	const { act, subject, trace, signal } = work;
	const place = { node: seen.node, vmid: subject.vmid };
	const { begun } = act;
	if (begun?.ended === null && begun.verb !== 'limits')
		return followAct(act, { ...begun, verb: begun.verb }, proxmox, place, signal);
	if (seen.lock)
		return { is: 'waiting', why: failureText('locked', `CT is locked (${seen.lock})`), seconds: 2 };
	const tasks = await proxmox.tasks(seen.node, { vmid: subject.vmid, limit: 50 });
	const other = tasks.find(({ type, endtime }) => endtime === undefined && WORKS.test(type));
	if (other) return { is: 'waiting', why: failureText('task_running', other.type), seconds: 2 };
	const sight: Sight = {
		running: seen.running,
		snapshots: await snapshotsFor(act, proxmox, place),
		node: seen.node,
		nodeId: await nodeIdOf(subject, seen.node)
	};
	const step = nextStep(act.wish, sight, begun);
	if (step.do === 'done') return { is: 'done', seen: sight };
	if (step.do === 'look_again') return { is: 'waiting', why: 'not_yet', seconds: 2 };
	if (step.do === 'fail')
		return { is: 'failed', why: failureText(step.code, step.words), seen: sight };
	const next: Begun = {
		verb: step.verb,
		before: tasks.map(({ upid }) => upid),
		// What ran before a call that came to nothing is what is started after it.
		wasRunning: begun?.verb === step.verb ? begun.wasRunning : seen.running,
		ended: null
	};
	await writeBegun(act, next, step.verb === 'limits' ? act.taskUpid : null);
	if (step.verb !== 'limits') return ask(act, { ...next, verb: step.verb }, proxmox, place);
	await applyLimits(subject.id, trace, signal);
	await writeBegun(act, { ...next, ended: 'OK' }, act.taskUpid);
	return null;
}

async function snapshotsFor(
	{ wish }: Taken,
	proxmox: ProxmoxClient,
	{ node, vmid }: { node: string; vmid: number }
): Promise<string[]> {
	return 'name' in wish ? (await proxmox.snapshots(node, vmid)).map(({ name }) => name) : [];
}

async function nodeIdOf({ clusterId, nodeId, nodeName }: Subject, name: string): Promise<string> {
	if (name === nodeName) return nodeId;
	const where = { clusterId_name: { clusterId, name } };
	return (await db.node.findUnique({ where, select: { id: true } }))?.id ?? nodeId;
}
