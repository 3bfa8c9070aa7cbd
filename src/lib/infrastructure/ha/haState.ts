/**
 * How safe a container is from the death of its node: `ok` its second node goes on · `alone` that one is away · `late` its
 * copy is older than it may be · `fence`, `moving` it is being taken over or moved · `nowhere` nobody can take it over ·
 * `error` Proxmox's manager gave up · `unknown` nobody has looked within a quarter of an hour.
 */
export type HaState =
	| 'ok'
	| 'stopped'
	| 'preparing'
	| 'moving'
	| 'fence'
	| 'late'
	| 'alone'
	| 'nowhere'
	| 'error'
	| 'unknown';

/** Words of Proxmox's manager for what is under way. */
const UNDER_WAY: Record<string, HaState> = {
	...{ error: 'error', recovery: 'nowhere', fence: 'fence', freeze: 'moving' },
	...{ migrate: 'moving', relocate: 'moving', queued: 'preparing', starting: 'preparing' },
	...{ request_start: 'preparing', request_stop: 'stopped' }
};

/** What was last seen of it. Null: nothing was looked at yet. */
interface SeenGuard {
	/** Of Proxmox's manager. */
	state: string | null;
	replicated: boolean;
	/** Of the copy when it was looked at, in intervals of the setting; null: there is none. */
	copyAge: number | null;
	/** Nobody has looked for a quarter of an hour. */
	isOld: boolean;
}

/** Intervals after which a copy is late; the alert rule of the product says the same. */
export const LATE_COPY = 2;

export function judgeGuard(guard: SeenGuard | null, partnerIsAway: boolean): HaState {
	if (!guard) return 'preparing';
	if (guard.isOld) return 'unknown';
	const underWay = UNDER_WAY[guard.state ?? ''];
	if (underWay) return underWay;
	if (guard.state === 'stopped') return 'stopped';
	if (guard.state !== 'started') return guard.state === null ? 'preparing' : 'unknown';
	if (partnerIsAway) return 'alone';
	if (!guard.replicated) return 'ok';
	if (guard.copyAge === null) return 'preparing';
	return guard.copyAge > LATE_COPY ? 'late' : 'ok';
}
