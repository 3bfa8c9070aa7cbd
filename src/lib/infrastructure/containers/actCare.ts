import type { Wish } from './actForms.ts';
import {
	again,
	call,
	done,
	failure,
	nextStep,
	type ActSight,
	type ActStep,
	type Begun
} from './actSteps.ts';

/** How the cluster's HA manager stands to a container: it carries out what it was asked for some ten seconds later. */
export interface Care {
	/** What it was asked for: `started`, `stopped`, `disabled`; `ignored`: it leaves it alone. */
	asked: string;
	/** What it is at: `started`, `request_stop`, `stopped`, `error` …; null: it has not looked yet. */
	is: string | null;
}

const lookAgain: ActStep = { do: 'look_again' };
const gaveUp: ActStep = { do: 'fail', code: 'ha_gave_up' };
const GONE = 'snapshot_gone';
const gone: ActStep = { do: 'fail', code: GONE };

/**
 * The next step of an act on a container that the cluster's HA manager looks after. Starting and stopping is asked of the
 * manager, whose task ends with the asking: what is so is read back from the container. What does not end when the manager
 * asks it to is an error to it, out of which nothing but `disabled` leads.
 */
export function nextUnderCare(
	wish: Wish,
	seen: ActSight & { care: Care },
	begun: Begun | null
): ActStep {
	switch (wish.act) {
		case 'start':
			return nextOfStart(seen, begun);
		case 'stop':
			return nextOfStop(wish.force, seen, begun);
		case 'restart':
			return nextOfRestart(wish.force, seen, begun);
		case 'rollback':
			return nextOfRollback(wish.name, seen, begun);
		default:
			return nextStep(wish, seen, begun);
	}
}

interface Seen extends ActSight {
	care: Care;
}

function nextOfStart({ running, care }: Seen, begun: Begun | null): ActStep {
	const isEnding = care.asked === 'stopped' && care.is !== 'error';
	if (running) return isEnding ? again(begun, 'ha_start') : done;
	if (care.is === 'error') {
		if (begun?.verb === 'start') return gaveUp;
		return care.asked === 'disabled' ? lookAgain : again(begun, 'ha_release');
	}
	return again(begun, care.asked === 'ignored' ? 'ha_start' : 'start');
}

function nextOfStop(force: boolean, { running, care }: Seen, begun: Begun | null): ActStep {
	// As long as the manager thinks that it should run, it starts it again.
	if (!running) return care.asked === 'stopped' ? done : again(begun, 'ha_stop');
	if (care.asked === 'ignored') return again(begun, force ? 'stop' : 'shutdown');
	const isLost = care.is === 'error' || care.asked === 'disabled';
	if (!isLost) return again(begun, 'shutdown');
	if (!force) return gaveUp;
	// Once it has forgotten the error it does not start it any more, and may be told to leave it to us.
	if (care.asked !== 'disabled') return again(begun, 'ha_release');
	return care.is === 'error' ? lookAgain : again(begun, 'ha_ignore');
}

function nextOfRestart(force: boolean, seen: Seen, begun: Begun | null): ActStep {
	const { running, care } = seen;
	if (!running) return nextOfStart(seen, begun);
	if (!begun) return call('reboot');
	if (begun.verb === 'reboot') {
		if (begun.ended === 'OK') return done;
		if (begun.ended === 'never') return call('reboot');
		if (!force) return failure(begun);
		return care.is === 'error' ? gaveUp : call('stop');
	}
	if (begun.verb !== 'stop') return nextOfStart(seen, begun);
	return care.is === 'error' ? gaveUp : again(begun, 'stop');
}

/** What the manager is to keep running it would start in the middle of it, or take to another node: so it stops first. */
function nextOfRollback(name: string, seen: Seen, begun: Begun | null): ActStep {
	const { running, care } = seen;
	const isThere = seen.snapshots.includes(name);
	const isAtStop = begun?.verb === 'stop';
	if (!begun || isAtStop || (begun.verb === 'rollback' && begun.ended === 'never')) {
		if (isAtStop && begun.ended !== 'OK' && begun.ended !== 'never') return failure(begun);
		if (isAtStop && running && care.is === 'error') return gaveUp;
		if (!isThere) return broughtBack(seen, begun) ?? gone;
		const isKept = care.asked === 'started' && care.is !== 'error';
		if (running && (isKept || isAtStop)) return again(begun, 'stop');
		return call('rollback');
	}
	if (begun.verb === 'rollback') {
		if (begun.ended !== 'OK') return broughtBack(seen, begun) ?? failure(begun);
		return begun.wasRunning && !running ? nextOfStart(seen, begun) : call('limits');
	}
	if (begun.verb === 'limits') return begun.ended === 'OK' ? done : call('limits');
	if (!running) return nextOfStart(seen, begun);
	if (begun.failed === undefined) return call('limits');
	return begun.failed === GONE ? gone : { do: 'fail', code: 'task_failed', words: begun.failed };
}

/** What was stopped for a rollback that came to nothing runs again before anybody is told. */
function broughtBack({ running }: Seen, begun: Begun | null): ActStep | null {
	if (running || !begun?.wasRunning) return null;
	const words = begun.verb === 'rollback' && begun.ended !== 'never' ? begun.ended : null;
	return { do: 'call', verb: 'start', failed: words ?? GONE };
}
