import { setTimeout as sleep } from 'node:timers/promises';
import { db, transaction } from '#lib/core/db.server.ts';
import type { ProxmoxClient } from '#lib/integrations/proxmox/proxmox.server.ts';
import type { Snapshot } from '#lib/integrations/proxmox/types.ts';
import { askCluster, isDown, proxmoxOn, type Trace } from '../nodes/clients.server.ts';
import { ask, askManager, followAct } from './actCalls.server.ts';
import { nextUnderCare, type Care } from './actCare.ts';
import type { Wish } from './actForms.ts';
import { failureText, type Outcome, type Sight } from './actOutcome.ts';
import { isHeld, isNeeded } from './actRefusals.server.ts';
import { writeBegun, type Taken } from './actRow.server.ts';
import { isHaVerb, nextStep, type Begun } from './actSteps.ts';
import { lacksRoom } from './growth.ts';
import { applyLimits, holdGrowth } from './growth.server.ts';
import { RESOURCES, type Resources } from '../placement/placement.ts';
import { look } from './guests.server.ts';
import { isThis } from './identity.ts';
import { newerData } from './newerData.server.ts';
import type { Seen } from './reconcile.ts';
import { worksOnIt } from './tasks.server.ts';

/** The container of an act, as its row says. */
export interface Subject {
	id: string;
	clusterId: string;
	nodeId: string;
	nodeName: string;
	vmid: number;
	adopted: boolean;
	rootVolume: string | null;
	/** Under high availability, the node that would take over. */
	haNodeId: string | null;
}

const MOST_STEPS = 20;

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
	const { act, subject, signal } = work;
	for (let steps = 0; steps < MOST_STEPS; steps++) {
		signal.throwIfAborted();
		if (await isHeld(db, subject.id)) return { is: 'waiting', why: 'held', seconds: 2 };
		// What is half-way goes on: whoever needs it waits for it to be back.
		if (!act.begun && (await isNeeded(db, act.wish.act, subject.id)))
			return { is: 'waiting', why: 'needed', seconds: 2 };
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
	if (begun?.ended === null && begun.verb !== 'limits' && !isHaVerb(begun.verb))
		return followAct(act, { ...begun, verb: begun.verb }, proxmox, place, signal);
	if (seen.lock)
		return { is: 'waiting', why: failureText('locked', `CT is locked (${seen.lock})`), seconds: 2 };
	const tasks = await proxmox.tasks(seen.node, { vmid: subject.vmid, limit: 50 });
	const other = tasks.find(worksOnIt);
	if (other) return { is: 'waiting', why: failureText('task_running', other.type), seconds: 2 };
	const snapshots = await snapshotsFor(act, proxmox, place);
	const lost = await lostBy(act, snapshots);
	if (lost) return { is: 'failed', why: failureText('newer_data', lost), seen: null };
	const sight: Sight = {
		running: seen.running,
		snapshots: snapshots.map(({ name }) => name),
		node: seen.node,
		nodeId: await nodeIdOf(subject, seen.node)
	};
	const care = await careFor(act.wish, subject, proxmox, seen);
	const step = care
		? nextUnderCare(act.wish, { ...sight, care }, begun)
		: nextStep(act.wish, sight, begun);
	if (step.do === 'done') return { is: 'done', seen: sight };
	if (step.do === 'look_again')
		return { is: 'waiting', why: care ? 'ha_manager' : 'not_yet', seconds: 2 };
	if (step.do === 'fail')
		return { is: 'failed', why: failureText(step.code, step.words), seen: sight };
	const wanted = wantedOf(act.wish);
	if (step.verb === 'limits' && wanted) {
		const room = await promised(subject.id, wanted);
		if (room === 'coming') return { is: 'waiting', why: 'room_comes', seconds: 2 };
		if (room === 'none') return { is: 'failed', why: 'no_room', seen: sight };
	}
	const next: Begun = {
		verb: step.verb,
		before: tasks.map(({ upid }) => upid),
		// What ran before all of it is what is started after it.
		wasRunning: begun?.wasRunning ?? seen.running,
		ended: null,
		...failedBefore(step.failed ?? begun?.failed)
	};
	const { verb } = step;
	await writeBegun(act, next, verb === 'limits' || isHaVerb(verb) ? act.taskUpid : null);
	if (isHaVerb(verb)) return askManager(act, { ...next, verb }, proxmox, subject.vmid);
	if (verb !== 'limits') return ask(act, { ...next, verb }, proxmox, place);
	await applyLimits(subject.id, wanted, trace, signal);
	await writeBegun(act, { ...next, ended: 'OK' }, act.taskUpid);
	return null;
}

/** The room for other limits is promised, if it was not when they were asked for: what was made ahead for others goes first. */
async function promised(id: string, wanted: Resources): Promise<'held' | 'coming' | 'none'> {
	const has = await db.container.findUniqueOrThrow({ where: { id } });
	if (RESOURCES.every((code) => has[code] >= wanted[code])) return 'held';
	const { reasons } = await transaction((tx) => holdGrowth(tx, id, wanted));
	if (reasons.every(({ code }) => code === 'offline')) return 'held';
	return lacksRoom({ reasons }) ? 'none' : 'coming';
}

/** The limits that are asked for; null: it keeps its own. */
function wantedOf(wish: Wish): Resources | null {
	if (wish.act !== 'resize') return null;
	return { cpuCores: wish.cpu_cores, ramMb: wish.ram_mb, diskGb: wish.disk_gb };
}

function failedBefore(words: string | undefined): Pick<Begun, 'failed'> {
	return words === undefined ? {} : { failed: words };
}

/** Acts that start or stop: of a container under high availability its cluster's manager has a say in them. */
const POWER: Wish['act'][] = ['start', 'stop', 'restart', 'rollback'];

/** @returns null when no manager has anything to do with it */
async function careFor(
	{ act }: Wish,
	{ haNodeId, vmid }: Subject,
	proxmox: ProxmoxClient,
	{ managed, service }: Seen
): Promise<Care | null> {
	if (!POWER.includes(act) || !(managed || haNodeId)) return null;
	const resource = (await proxmox.haResources()).find(({ sid }) => sid === `ct:${vmid}`);
	if (!resource) return null;
	// The old word for it.
	return { asked: resource.state === 'enabled' ? 'started' : resource.state, is: service };
}

async function snapshotsFor(
	{ wish }: Taken,
	proxmox: ProxmoxClient,
	{ node, vmid }: { node: string; vmid: number }
): Promise<Snapshot[]> {
	return 'name' in wish ? proxmox.snapshots(node, vmid) : [];
}

/** Whose data going back would lose altogether, as names; null: nobody's, or it has gone back already. */
async function lostBy(
	{ wish, begun, containerId }: Taken,
	snapshots: Snapshot[]
): Promise<string | null> {
	const isNext = !begun || (begun.verb === 'rollback' && begun.ended === 'never');
	if (wish.act !== 'rollback' || !isNext) return null;
	const at = snapshots.find(({ name }) => name === wish.name)?.snaptime;
	if (at === undefined) return null;
	const names = await newerData(db, containerId, new Date(at * 1000));
	return names.length > 0 ? names.join(', ') : null;
}

async function nodeIdOf({ clusterId, nodeId, nodeName }: Subject, name: string): Promise<string> {
	if (name === nodeName) return nodeId;
	const where = { clusterId_name: { clusterId, name } };
	return (await db.node.findUnique({ where, select: { id: true } }))?.id ?? nodeId;
}
