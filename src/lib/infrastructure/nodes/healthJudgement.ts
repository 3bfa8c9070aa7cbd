import { isTooOld } from './discovery.ts';
import type { Health, PartState, Problem, StorageFault } from './health.ts';
import { mayCreate, missingPrivileges, type Permissions } from './privileges.ts';

/** A storage as one node sees it. */
export interface SeenStorage {
	storage: string;
	type: string;
	content: string[];
	shared: boolean;
	active: boolean;
	/** GiB; null where it is not active. */
	totalGb: number | null;
	usedGb: number | null;
}

/** What a look at a node has seen; null is what could not be seen. */
export interface Seen {
	at: Date;
	api: { ms: number } | { kind: string; error: string };
	ssh: { ms: number } | { kind: string; error: string };
	/** Its clock less ours; absent: it was asked for something else this time. */
	skewMs?: number | null;
	/** What any node of its cluster says of it. */
	cluster: {
		quorate: boolean | null;
		online: number | null;
		members: number | null;
		/** Null: the token may not see storages. */
		storages: SeenStorage[] | null;
	} | null;
	rootfsStorage: string;
	/** The first of its cluster that answered tells of what all of them share. */
	isFirst: boolean;
	version: string | null;
	permissions: Permissions | null;
}

/** From where it is a warning and an error, and how much less ends either, so that nothing flaps at a limit. */
const CLOCK = { warningMs: 5_000, errorMs: 60_000, slack: 0.8 };
const FILLED = { warning: 0.85, error: 0.95, slack: 0.02 };

/** Turns what a look has seen into the state of each part, in the light of the look before. */
export function judgeHealth(seen: Seen, before: Health | null): Health {
	const parts = {
		at: seen.at.toISOString(),
		api: connection(seen.api),
		ssh: connection(seen.ssh),
		storage: storage(seen, before),
		clock: clock(seen.skewMs, before),
		version: version(seen, before),
		privileges: privileges(seen, before),
		cluster: cluster(seen)
	};
	return { ...parts, problems: problems(parts, seen, before) };
}

function connection(outcome: Seen['api']): Health['api'] {
	if ('ms' in outcome) return { state: 'ok', ms: Math.round(outcome.ms), kind: null, error: null };
	const { kind, error } = outcome;
	// What is wrong with us says nothing of the node.
	const isOurs = kind === 'no_key' || kind === 'internal';
	return { state: isOurs ? 'unknown' : 'error', ms: null, kind, error };
}

function clock(skewMs: Seen['skewMs'], before: Health | null): Health['clock'] {
	if (skewMs === undefined && before) return before.clock;
	if (skewMs === undefined) return { state: 'unknown', skewMs: null };
	if (skewMs === null) return { state: 'unknown', skewMs: null };
	const off = Math.abs(skewMs);
	const was = before?.clock.state;
	const reaches = (limit: number, held: boolean) => off > limit * (held ? CLOCK.slack : 1);
	const isError = reaches(CLOCK.errorMs, was === 'error');
	const isWarning = reaches(CLOCK.warningMs, was === 'error' || was === 'warning');
	return { state: isError ? 'error' : isWarning ? 'warning' : 'ok', skewMs };
}

function version({ version: said, at }: Seen, before: Health | null): Health['version'] {
	if (!said) return before?.version ?? { state: 'unknown', version: null, at: null };
	return { state: isTooOld(said) ? 'warning' : 'ok', version: said, at: at.toISOString() };
}

function privileges({ permissions, at }: Seen, before: Health | null): Health['privileges'] {
	// Asked every few minutes alone: in between it is what it was.
	if (!permissions)
		return before?.privileges ?? { state: 'unknown', at: null, missing: [], creates: true };
	const missing = missingPrivileges(permissions);
	const state = missing.length > 0 ? 'error' : 'ok';
	return { state, at: at.toISOString(), missing, creates: mayCreate(permissions) };
}

function cluster({ cluster: seen }: Seen): Health['cluster'] {
	if (!seen || seen.quorate === null) {
		const { online = null, members = null } = seen ?? {};
		// A host that stands alone needs nobody's vote.
		return { state: members === 1 ? 'ok' : 'unknown', quorate: null, online, members };
	}
	const { quorate, online, members } = seen;
	return { state: quorate ? 'ok' : 'error', quorate, online, members };
}

function storage({ cluster: seen, rootfsStorage }: Seen, before: Health | null): Health['storage'] {
	const storages = seen?.storages;
	if (!storages) return { state: 'unknown', rootfs: 'unknown', faults: [] };
	const faults = storages.flatMap((one) => faultOf(one, before) ?? []);
	if (!storages.some((one) => one.storage === rootfsStorage))
		faults.push({ storage: rootfsStorage, code: 'missing', used: null });
	const rootfs = faults.find((fault) => fault.storage === rootfsStorage);
	return {
		state: worst(faults.map(severity)),
		rootfs: rootfs ? severity(rootfs) : 'ok',
		faults
	};
}

function faultOf(one: SeenStorage, before: Health | null): StorageFault | null {
	const { storage, active, totalGb, usedGb } = one;
	if (!active) return { storage, code: 'inactive', used: null };
	if (!totalGb || usedGb === null) return null;
	const used = usedGb / totalGb;
	const was = before?.storage.faults.find((fault) => fault.storage === storage)?.code;
	const limit = (of: number, held: boolean) => of - (held ? FILLED.slack : 0);
	if (used >= limit(FILLED.error, was === 'full')) return { storage, code: 'full', used };
	const isHeld = was === 'full' || was === 'filling';
	return used >= limit(FILLED.warning, isHeld) ? { storage, code: 'filling', used } : null;
}

function severity({ code }: StorageFault): 'warning' | 'error' {
	return code === 'filling' ? 'warning' : 'error';
}

function worst(states: PartState[]): PartState {
	if (states.includes('error')) return 'error';
	return states.includes('warning') ? 'warning' : 'ok';
}

/** Everything that is wrong, with how long it has been so. What could not be seen keeps what was known to be wrong. */
function problems(
	parts: Omit<Health, 'problems'>,
	{ at, cluster: seen, isFirst, skewMs }: Seen,
	before: Health | null
): Problem[] {
	const found: { key: string; state: PartState; isTold: boolean }[] = [];
	for (const part of ['api', 'ssh', 'clock', 'version', 'privileges', 'cluster'] as const) {
		const isShared = part === 'cluster';
		// An API that does not answer is told as a node that is offline.
		const isTold = part !== 'api' && (!isShared || isFirst);
		found.push({ key: part, state: parts[part].state, isTold });
	}
	for (const fault of parts.storage.faults) {
		const isShared = seen?.storages?.find((one) => one.storage === fault.storage)?.shared;
		found.push({
			key: `storage:${fault.storage}`,
			state: severity(fault),
			isTold: !isShared || isFirst
		});
	}
	const earlier = new Map(before?.problems.map((one) => [one.key, one]));
	const unseen = (key: string) =>
		key.startsWith('storage:') ? parts.storage.state === 'unknown' : false;
	const kept = [...earlier.values()].filter(({ key }) => unseen(key));
	return [
		...found.flatMap(({ key, state, isTold }): Problem[] => {
			const was = earlier.get(key);
			const isUnseen = state === 'unknown' || (key === 'clock' && skewMs === undefined);
			if (isUnseen) return was ? [was] : [];
			if (state === 'ok') return [];
			const since = was?.since ?? at.toISOString();
			return [{ key, state, since, looks: (was?.looks ?? 0) + 1, isTold }];
		}),
		...kept
	];
}
