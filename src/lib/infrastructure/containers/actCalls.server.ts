import { setTimeout as sleep } from 'node:timers/promises';
import { ProxmoxError } from '#lib/integrations/proxmox/errors.ts';
import type { HaRequest } from '#lib/integrations/proxmox/highAvailability.server.ts';
import type { ProxmoxClient } from '#lib/integrations/proxmox/proxmox.server.ts';
import { USUAL_TIMEOUT, type Wish } from './actForms.ts';
import { failureText, outcomeOf, UNKNOWN_END, type Outcome } from './actOutcome.ts';
import { writeBegun, type Taken } from './actRow.server.ts';
import type { Begun, HaVerb, Verb } from './actSteps.ts';

/** Where the container is. */
interface Place {
	node: string;
	vmid: number;
}

type Called = Exclude<Verb, 'limits' | HaVerb>;

/** Proxmox's word for the task of each call; of a container under high availability its manager does the first two. */
const TASKS: Record<Called, string[]> = {
	start: ['vzstart', 'hastart'],
	shutdown: ['vzshutdown', 'hastop'],
	stop: ['vzstop', 'hastop'],
	reboot: ['vzreboot'],
	snapshot: ['vzsnapshot'],
	rollback: ['vzrollback'],
	delete_snapshot: ['vzdelsnapshot']
};

function send(
	proxmox: ProxmoxClient,
	{ node, vmid }: Place,
	wish: Wish,
	verb: Called,
	begun: Begun
): Promise<string> {
	const timeout = 'timeout_seconds' in wish ? wish.timeout_seconds : USUAL_TIMEOUT;
	const name = 'name' in wish ? wish.name : '';
	switch (verb) {
		case 'start':
			return proxmox.start(node, vmid);
		case 'shutdown':
			// Proxmox itself pulls the plug when the time is up, so that the worker's death changes nothing.
			return proxmox.shutdown(node, vmid, { timeout, forceStop: 'force' in wish && wish.force });
		case 'stop':
			return proxmox.stop(node, vmid);
		case 'reboot':
			return proxmox.reboot(node, vmid, { timeout });
		case 'snapshot': {
			const description = 'description' in wish ? wish.description : '';
			return proxmox.snapshot(node, vmid, { snapname: name, description });
		}
		case 'rollback':
			return proxmox.rollback(node, vmid, name, { start: begun.wasRunning });
		case 'delete_snapshot':
			return proxmox.deleteSnapshot(node, vmid, name);
	}
}

/**
 * Makes a change that `act` has written down already, and stores its task at once.
 * @returns null when it is to look again: after a lost answer, too, since the task tells
 */
export async function ask(
	act: Taken,
	begun: Begun & { verb: Called },
	proxmox: ProxmoxClient,
	place: Place
): Promise<Outcome | null> {
	try {
		const upid = await send(proxmox, place, act.wish, begun.verb, begun);
		await writeBegun(act, begun, upid);
		return null;
	} catch (error) {
		if (!(error instanceof ProxmoxError)) throw error;
		if (error.ambiguous) return null;
		await writeBegun(act, { ...begun, ended: 'never' }, null);
		// Somebody was quicker: the look tells what is missing.
		if (/already running|not running/i.test(error.message) || error.kind === 'not_found')
			return null;
		return outcomeOf(error);
	}
}

/** What the HA manager is asked for. */
const REQUESTS: Record<HaVerb, HaRequest> = {
	ha_start: 'started',
	ha_stop: 'stopped',
	ha_release: 'disabled',
	ha_ignore: 'ignored'
};

/** Asks the HA manager for what `act` has written down already; it does it with its next rounds. @returns null: look again */
export async function askManager(
	act: Taken,
	begun: Begun & { verb: HaVerb },
	proxmox: ProxmoxClient,
	vmid: number
): Promise<Outcome | null> {
	try {
		await proxmox.setHaResource(vmid, { state: REQUESTS[begun.verb] });
		await writeBegun(act, { ...begun, ended: 'OK' }, act.taskUpid);
		return null;
	} catch (error) {
		if (!(error instanceof ProxmoxError)) throw error;
		if (error.ambiguous || error.kind === 'not_found') return null;
		return outcomeOf(error);
	}
}

/** Looks often while a task takes what it usually takes. */
const SLICES = [
	{ timeoutMs: 3_000, pollMs: 100 },
	{ timeoutMs: 9_000, pollMs: 300 },
	{ timeoutMs: 20_000, pollMs: 1_000 }
];

/**
 * Follows the task of what was begun; after a lost answer it finds out which that is.
 * @returns null when it has ended, well or not, or never began
 */
export async function followAct(
	act: Taken,
	begun: Begun & { verb: Called },
	proxmox: ProxmoxClient,
	place: Place,
	signal: AbortSignal
): Promise<Outcome | null> {
	const upid = act.taskUpid ?? (await findTask(begun, proxmox, place, signal));
	const end = async (ended: string) => {
		await writeBegun(act, { ...begun, ended }, upid);
		return null;
	};
	if (!upid) return end('never');
	if (!act.taskUpid) await writeBegun(act, begun, upid);
	for (const slice of SLICES) {
		try {
			await proxmox.waitTask(upid, { ...slice, signal });
			return await end('OK');
		} catch (error) {
			if (!(error instanceof ProxmoxError)) throw error;
			if (error.kind === 'task_running') {
				if (error.cause !== undefined) return outcomeOf(error.cause);
				continue;
			}
			// How it ended; else that could not be read.
			if (error.upid !== null && error.code !== null) {
				const passes = passingWhy(error);
				if (!passes) return end(error.message);
				await end('never');
				return { is: 'waiting', why: failureText(passes, error.message), seconds: 2 };
			}
			if (error.kind === 'not_found') return end(UNKNOWN_END);
			return outcomeOf(error);
		}
	}
	return { is: 'waiting', why: 'task_running', seconds: 2, own: true };
}

/** Why a task ended that may be tried again as it is; null: it may not. */
function passingWhy(error: ProxmoxError): string | null {
	if (error.kind === 'locked' || error.kind === 'no_quorum') return error.kind;
	return isForCopy(error) ? 'replication_first' : null;
}

/** A snapshot that the next copy to the second node begins from: it may go once that copy was made. */
function isForCopy({ message }: ProxmoxError): boolean {
	return /needed by replication job/i.test(message);
}

/** The task that a call of ours began whose answer nobody heard; a late one is looked for twice. */
async function findTask(
	{ verb, before }: Begun & { verb: Called },
	proxmox: ProxmoxClient,
	{ node, vmid }: Place,
	signal: AbortSignal
): Promise<string | null> {
	for (let looks = 0; looks < 2; looks++) {
		if (looks > 0) await sleep(500, undefined, { signal });
		const tasks = await proxmox.tasks(node, { vmid, limit: 50 });
		const ours = tasks.find(
			({ type, upid }) => TASKS[verb].includes(type) && !before.includes(upid)
		);
		if (ours) return ours.upid;
	}
	return null;
}
