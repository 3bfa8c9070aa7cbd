import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { MINUTE } from '#lib/core/clock.server.ts';
import { failureText } from '../containers/actOutcome.ts';
import type { Run } from '../containers/progress.ts';
import { worksOnIt } from '../containers/tasks.server.ts';
import { isDown } from '../nodes/clients.server.ts';
import { sshOn } from '../nodes/sshPool.server.ts';
import { ProxmoxError } from '#lib/integrations/proxmox/errors.ts';
import type { ProxmoxClient } from '#lib/integrations/proxmox/proxmox.server.ts';
import type { TaskRow } from '#lib/integrations/proxmox/types.ts';
import { whereIs, type Moving, type Whereabouts } from './whereabouts.server.ts';

/** A migration that was asked of Proxmox, as the caller keeps it. */
export const carriageSchema = z.object({
	/** Node that it goes to. */
	to: z.string(),
	/** Tasks that there were before it was asked for: a lost answer is found among the new ones. */
	before: z.array(z.string()),
	upid: z.string().nullable(),
	/** How its task ended; `never`: it did not begin; null: it has not ended, as far as is known. */
	ended: z.string().nullable(),
	/** How often it was asked for in vain. */
	vain: z.number().int(),
	/** When it was asked for, in milliseconds since the epoch. */
	at: z.number()
});
export type Carriage = z.infer<typeof carriageSchema>;

/** Texts are `code` or `code: words of Proxmox`. */
export type CarryOutcome =
	| { is: 'there'; nodeId: string; running: boolean }
	| { is: 'waiting'; why: string; seconds: number }
	| { is: 'failed'; why: string };

/** Proxmox's words for the task; of a container under high availability its manager does it. */
const MIGRATES = ['vzmigrate', 'hamigrate', 'harelocate'];
const MOST_LOOKS = 20;
/** Meanwhile people are off the air. */
const MOST_IN_VAIN = 6;
/** How long the manager of high availability may take to begin and end what it was told. */
const MANAGER_MS = 10 * MINUTE;
/** How long a run stays with a task before it lets others have its worker. */
const FOLLOW = { timeoutMs: 8_000, pollMs: 200 };

interface Carrying {
	run: Pick<Run, 'trace' | 'signal' | 'log'>;
	container: Moving;
	target: { id: string; name: string };
	/** What is kept of it, and how. */
	begun: Carriage | null;
	keep(begun: Carriage): Promise<void>;
}

type There = Extract<Whereabouts, { is: 'there' }>;

/**
 * Brings a container to a node of its cluster by Proxmox's own migration: stopped for it when it runs, and started there.
 * Looks before each change, so that it may run any number of times and after any death; once it has failed it is not tried
 * again by itself, since every try takes it off the air. Nothing is ever copied by us, so that there is one of it at any time.
 */
export async function carry(work: Carrying): Promise<CarryOutcome> {
	for (let looks = 0; looks < MOST_LOOKS; looks++) {
		work.run.signal.throwIfAborted();
		try {
			const place = await whereIs(work.container, work.run.trace);
			if (place.is === 'gone') return { is: 'waiting', why: 'gone', seconds: 60 };
			if (place.is === 'not_ours') return { is: 'failed', why: 'not_ours' };
			const outcome = await oneStep(work, place);
			if (outcome) return outcome;
		} catch (error) {
			if (!isDown(error)) throw error;
			return { is: 'waiting', why: 'node_offline', seconds: 30 };
		}
	}
	return { is: 'waiting', why: 'not_yet', seconds: 5 };
}

/** @returns null when it is to look again */
async function oneStep(work: Carrying, place: There): Promise<CarryOutcome | null> {
	const { container, target, begun, run } = work;
	const { seen, proxmox } = place;
	const tasks = await proxmox.tasks(seen.node, { vmid: container.vmid, limit: 50 });
	const active = tasks.find(worksOnIt);
	if (active && MIGRATES.includes(active.type)) return follow(work, proxmox, active.upid);
	if (seen.node === target.name && !seen.lock && !active && !(await isAtWork(proxmox, begun)))
		return { is: 'there', nodeId: place.nodeId, running: seen.running };
	if (begun && begun.to === target.id && begun.ended === null)
		return settle(work, place, tasks, begun);
	if (active) return { is: 'waiting', why: failureText('task_running', active.type), seconds: 3 };
	if (seen.lock === 'migrate' && begun?.upid) return unlock(work, place);
	if (seen.lock)
		return { is: 'waiting', why: failureText('locked', `CT is locked (${seen.lock})`), seconds: 3 };
	if (seen.node === target.name) return { is: 'waiting', why: 'migrating', seconds: 2 };
	if (begun && begun.to === target.id && begun.ended !== 'never') {
		// The manager of high availability takes the order and carries it out later.
		const byManager = begun.ended === 'OK' && /:ha(migrate|relocate):/.test(begun.upid ?? '');
		if (byManager && Date.now() - begun.at < MANAGER_MS)
			return { is: 'waiting', why: 'ha_moves', seconds: 5 };
		return { is: 'failed', why: failureText('task_failed', begun.ended ?? undefined) };
	}
	if (begun?.to === target.id && begun.vain >= MOST_IN_VAIN)
		return { is: 'failed', why: failureText('refused', seen.node) };
	await run.log('info', `CT ${container.vmid} goes from ${seen.node} to ${target.name}`);
	return send(work, place, tasks);
}

/** Whether what brought it here still tidies up; the node that did may be dead by now, and then it does not. */
async function isAtWork(proxmox: ProxmoxClient, begun: Carriage | null): Promise<boolean> {
	if (!begun?.upid || begun.ended !== null) return false;
	try {
		return (await proxmox.taskStatus(begun.upid)).status === 'running';
	} catch (error) {
		if (error instanceof ProxmoxError) return false;
		throw error;
	}
}

async function send(work: Carrying, place: There, tasks: TaskRow[]): Promise<CarryOutcome | null> {
	const { container, target, keep } = work;
	const { seen, proxmox } = place;
	const begun: Carriage = {
		...{ to: target.id, before: tasks.map(({ upid }) => upid), upid: null, ended: null },
		vain: work.begun?.to === target.id ? work.begun.vain + 1 : 0,
		at: Date.now()
	};
	await remember(work, keep, begun);
	try {
		const upid = await proxmox.migrate(seen.node, container.vmid, {
			target: target.name,
			...(seen.running && { restart: true, timeout: 180 })
		});
		await remember(work, keep, { ...begun, upid });
		return null;
	} catch (error) {
		if (!(error instanceof ProxmoxError)) throw error;
		// Nobody heard the answer: the tasks tell.
		if (error.ambiguous) return null;
		await remember(work, keep, { ...begun, ended: 'never' });
		if (isDown(error)) throw error;
		// It is not there any more: the next look tells where it is.
		if (error.kind === 'not_found') return null;
		if (error.kind === 'no_quorum') {
			const why = failureText('no_quorum', error.message);
			return begun.vain + 1 < MOST_IN_VAIN
				? { is: 'waiting', why, seconds: 5 }
				: { is: 'failed', why };
		}
		if (error.locked || error.retryable)
			return { is: 'waiting', why: failureText('locked', error.message), seconds: 3 };
		return { is: 'failed', why: failureText('refused', error.message) };
	}
}

async function remember(work: Carrying, keep: Carrying['keep'], begun: Carriage): Promise<void> {
	await keep(begun);
	work.begun = begun;
}

/** What became of a migration that was asked for and does not run: also when nobody heard which task it was. */
async function settle(
	work: Carrying,
	{ proxmox, seen: { node } }: There,
	tasks: TaskRow[],
	begun: Carriage
): Promise<CarryOutcome | null> {
	const isNew = ({ type, upid }: TaskRow) =>
		MIGRATES.includes(type) && !begun.before.includes(upid);
	const upid = begun.upid ?? tasks.find(isNew)?.upid;
	if (upid) {
		if (!begun.upid) await remember(work, work.keep, { ...begun, upid });
		return follow(work, proxmox, upid);
	}
	// A late one is looked for twice.
	await sleep(500, undefined, { signal: work.run.signal });
	const again = await proxmox.tasks(node, { vmid: work.container.vmid, limit: 50 });
	const late = again.find(isNew)?.upid ?? null;
	await remember(work, work.keep, { ...begun, upid: late, ended: late ? null : 'never' });
	return null;
}

async function follow(
	work: Carrying,
	proxmox: ProxmoxClient,
	upid: string
): Promise<CarryOutcome | null> {
	const { run, begun } = work;
	const end = async (ended: string) => {
		if (begun) await remember(work, work.keep, { ...begun, upid, ended });
		return null;
	};
	try {
		const { warnings, exitStatus } = await proxmox.waitTask(upid, {
			...FOLLOW,
			signal: run.signal
		});
		if (warnings > 0) await run.log('warning', `${upid} ended with ${exitStatus}`);
		return await end('OK');
	} catch (error) {
		if (!(error instanceof ProxmoxError)) throw error;
		if (error.kind === 'task_running')
			return { is: 'waiting', why: error.cause ? 'node_offline' : 'migrating', seconds: 2 };
		// How it ended; else that could not be read.
		if (error.upid !== null && error.code !== null) {
			await run.log('warning', `${upid}: ${error.message}`);
			return end(error.message);
		}
		if (error.kind === 'not_found') return end('unknown');
		throw error;
	}
}

/**
 * The migration's node died in the middle of it and left its lock, which nobody takes away any more: Proxmox says that the
 * task has ended, none runs, and the task was ours. What has another lock is never unlocked.
 */
async function unlock({ run, container, begun }: Carrying, place: There): Promise<null> {
	await run.log(
		'warning',
		`CT ${container.vmid} is still locked by ${begun?.upid ?? 'a task'}: unlocked`
	);
	const ssh = await sshOn(place.nodeId);
	try {
		const { code, stderr } = await ssh.client.exec(['pct', 'unlock', String(container.vmid)], {
			timeoutMs: 20_000
		});
		if (code !== 0) throw new Error(`pct unlock ${container.vmid}: ${stderr.trim().slice(0, 300)}`);
	} finally {
		ssh.release();
	}
	return null;
}

/** Starts a container where it is, when it is meant to run and does not. @returns whether it runs */
export async function ensureRunning(
	run: Pick<Run, 'trace' | 'signal'>,
	container: Moving
): Promise<boolean> {
	const place = await whereIs(container, run.trace);
	if (place.is !== 'there' || place.seen.lock) return false;
	if (place.seen.running || !container.wantedRunning) return true;
	const upid = await place.proxmox
		.start(place.seen.node, container.vmid)
		.catch((error: unknown) => {
			if (error instanceof ProxmoxError && /already running/i.test(error.message)) return null;
			throw error;
		});
	if (upid)
		await place.proxmox.waitTask(upid, { timeoutMs: 60_000, pollMs: 200, signal: run.signal });
	return true;
}
