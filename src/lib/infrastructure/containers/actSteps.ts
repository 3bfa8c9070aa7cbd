import { z } from 'zod';
import type { Wish } from './actForms.ts';

/**
 * Changes that acts are made of. `limits` is what `applyLimits` does, several calls that may all be repeated; what begins
 * with `ha_` is asked of the cluster's HA manager: to keep a container running or stopped, to forget that it gave up on it,
 * and to leave it alone.
 */
export const VERBS = [
	'start',
	'shutdown',
	'stop',
	'reboot',
	'snapshot',
	'rollback',
	'delete_snapshot',
	'limits',
	'ha_start',
	'ha_stop',
	'ha_release',
	'ha_ignore'
] as const;
export type Verb = (typeof VERBS)[number];

/** Changes without a task, which may be made any number of times. */
export type HaVerb = Extract<Verb, `ha_${string}`>;

export function isHaVerb(verb: Verb): verb is HaVerb {
	return verb.startsWith('ha_');
}

/**
 * The change that an act began last. It is written before the call, so that whoever comes after a death or a lost answer
 * knows what to look for: a task of the container that Proxmox did not have `before`.
 */
export const begunSchema = z.object({
	verb: z.enum(VERBS),
	/** UPIDs that the container had then. */
	before: z.array(z.string()),
	/** Whether it ran when the first change was begun. */
	wasRunning: z.boolean(),
	/** How it ended: `OK`, `never` when Proxmox took no task on, or the words of a failure. Null: not known yet. */
	ended: z.string().nullable(),
	/** Words of a change before, which failed for good: what ran is brought back before they are told. */
	failed: z.string().optional()
});
export type Begun = z.output<typeof begunSchema>;

/** What Proxmox has. */
export interface ActSight {
	running: boolean;
	/** Names of its snapshots; only asked for where an act is about one. */
	snapshots: string[];
}

export type ActStep =
	| { do: 'done' }
	/** @property failed see `Begun` */
	| { do: 'call'; verb: Verb; failed?: string }
	/** Proxmox said that it is done, and it does not show yet: a cluster's HA manager may still be at it. */
	| { do: 'look_again' }
	| { do: 'fail'; code: ActFailure; words?: string };

type ActFailure = 'snapshot_exists' | 'snapshot_gone' | 'task_failed' | 'ha_gave_up';

export const done: ActStep = { do: 'done' };
export const call = (verb: Verb): ActStep => ({ do: 'call', verb });

/**
 * The next step of an act, from what Proxmox has and what was begun. The same look leads on after any death, and what is
 * already as it should be is done.
 */
export function nextStep(wish: Wish, seen: ActSight, begun: Begun | null): ActStep {
	switch (wish.act) {
		case 'start':
			return seen.running ? done : again(begun, 'start');
		case 'stop':
			return seen.running ? again(begun, 'shutdown') : done;
		case 'restart':
			return nextOfRestart(wish.force, seen, begun);
		case 'resize':
			return begun?.verb === 'limits' && begun.ended === 'OK' ? done : call('limits');
		case 'snapshot':
			if (!seen.snapshots.includes(wish.name)) return again(begun, 'snapshot');
			return begun ? done : { do: 'fail', code: 'snapshot_exists' };
		case 'delete_snapshot':
			return seen.snapshots.includes(wish.name) ? again(begun, 'delete_snapshot') : done;
		case 'rollback':
			return nextOfRollback(wish.name, seen, begun);
	}
}

/** The one change that is missing, unless it was made and did not help. */
export function again(begun: Begun | null, verb: Verb): ActStep {
	if (begun?.verb !== verb || begun.ended === 'never' || begun.ended === null) return call(verb);
	return begun.ended === 'OK' ? { do: 'look_again' } : failure(begun);
}

function nextOfRestart(force: boolean, { running }: ActSight, begun: Begun | null): ActStep {
	if (!begun) return running ? call('reboot') : call('start');
	if (begun.verb === 'start') return running ? done : again(begun, 'start');
	// Down half-way, whoever did it: what was asked for is that it runs.
	if (!running) return call('start');
	if (begun.ended === 'OK') return done;
	if (begun.ended === 'never') return call(begun.verb);
	return begun.verb === 'reboot' && force ? call('stop') : failure(begun);
}

function nextOfRollback(name: string, seen: ActSight, begun: Begun | null): ActStep {
	if (!begun || (begun.verb === 'rollback' && begun.ended === 'never'))
		return seen.snapshots.includes(name) ? call('rollback') : { do: 'fail', code: 'snapshot_gone' };
	if (begun.verb === 'rollback') {
		if (begun.ended !== 'OK') return failure(begun);
		return begun.wasRunning && !seen.running ? call('start') : call('limits');
	}
	if (begun.verb === 'start') return seen.running ? call('limits') : again(begun, 'start');
	return begun.ended === 'OK' ? done : call('limits');
}

export function failure(begun: Begun): ActStep {
	return { do: 'fail', code: 'task_failed', words: begun.ended ?? '' };
}

/** What is remembered of a failed act that is tried again: a change that may have been made, or was, is not made twice. */
export function kept(begun: Begun | null): Begun | null {
	// What ran before a rollback that failed is to run after it.
	if (begun?.failed !== undefined) {
		const { failed: _failed, ...before } = begun;
		return { ...before, verb: 'rollback', ended: 'never' };
	}
	if (begun?.ended === null || begun?.ended === 'OK') return begun;
	// A rollback that failed had stopped it already.
	return begun?.verb === 'rollback' ? { ...begun, ended: 'never' } : null;
}
