import { z } from 'zod';

/** `unknown` is what nobody could see at the last look; it is no fault. */
export type PartState = 'ok' | 'warning' | 'error' | 'unknown';
const state = z.enum(['ok', 'warning', 'error', 'unknown']);
const at = z.iso.datetime();

/** What is wrong with a storage: `inactive` here, `full`, nearly so (`filling`), or `missing` although containers lie on it. */
const storageFault = z.object({
	storage: z.string(),
	code: z.enum(['inactive', 'filling', 'full', 'missing']),
	/** 0–1 in use. */
	used: z.number().nullable()
});
export type StorageFault = z.output<typeof storageFault>;

/** Something that is wrong, by what it is about, since when, and at how many looks in a row. */
const problem = z.object({
	key: z.string(),
	state: z.enum(['warning', 'error']),
	since: at,
	looks: z.number().int(),
	/** Another node of the cluster tells staff of it: it is the same storage. */
	isTold: z.boolean()
});
export type Problem = z.output<typeof problem>;

/** What the last look found of a node, part by part, as it is kept in `proxmox_nodes.health`. */
export const healthSchema = z.object({
	at,
	api: z.object({
		state,
		/** Of what it was asked. */
		ms: z.number().nullable(),
		/** Kind of the client's error: `unreachable`, `untrusted`, `lost`, `unauthorized` …; `no_token`: ours cannot be read; `internal` */
		kind: z.string().nullable(),
		error: z.string().nullable()
	}),
	/** Of a command that the product needs: `pct list`. */
	ssh: z.object({
		state,
		ms: z.number().nullable(),
		/** Kind of the client's error, `command` for an exit code, `no_key` where this installation has none, `internal`. */
		kind: z.string().nullable(),
		error: z.string().nullable()
	}),
	storage: z.object({ state, rootfs: state, faults: z.array(storageFault) }),
	clock: z.object({ state, skewMs: z.number().nullable() }),
	version: z.object({
		state,
		version: z.string().nullable(),
		/** As of then: it is asked every few minutes, as privileges are. */
		at: at.nullable().default(null)
	}),
	privileges: z.object({
		state,
		/** As of then: it is looked at every few minutes. */
		at: at.nullable(),
		missing: z.array(z.object({ name: z.string(), path: z.string() })),
		/** The token may make containers, whatever else it lacks. */
		creates: z.boolean().default(true)
	}),
	cluster: z.object({
		state,
		quorate: z.boolean().nullable(),
		online: z.number().int().nullable(),
		members: z.number().int().nullable()
	}),
	problems: z.array(problem)
});
export type Health = z.output<typeof healthSchema>;

export const HEALTH_PARTS = [
	'api',
	'ssh',
	'storage',
	'clock',
	'version',
	'privileges',
	'cluster'
] as const satisfies (keyof Health)[];
export type HealthPart = (typeof HEALTH_PARTS)[number];

/** What was kept of a look; null: nobody has looked yet. */
export function readHealth(stored: unknown): Health | null {
	const parsed = healthSchema.safeParse(stored);
	return parsed.success ? parsed.data : null;
}

export type PlacingState = 'online' | 'offline' | 'maintenance' | 'unwell';

/** The row of a node, as far as it says whether new containers may go there. */
interface PlacingRow {
	status: 'online' | 'offline' | 'maintenance';
	haltedAt: Date | null;
	misses: number;
	health: unknown;
}

/**
 * Why nothing new is placed on a node that is online: its calls are `halted`, it `missed` the last look, nothing can be done
 * inside its containers (`ssh`), the `storage` that they lie on is away or full, its cluster has no `quorum` and takes no
 * changes, its `clock` is so far off that what is set up there could not be trusted, or its token lacks `privileges` without
 * which no container can be made. A set-up there would fail half-way.
 */
const UNWELL = ['halted', 'missed', 'ssh', 'storage', 'quorum', 'clock', 'privileges'] as const;
export type Unwell = (typeof UNWELL)[number];

export function unwellBy(node: Omit<PlacingRow, 'status'>): Unwell[] {
	const health = readHealth(node.health);
	const found: Record<Unwell, boolean | undefined> = {
		halted: node.haltedAt !== null,
		missed: node.misses > 0,
		ssh: health?.ssh.state === 'error',
		storage: health?.storage.rootfs === 'error',
		quorum: health?.cluster.state === 'error',
		clock: health?.clock.state === 'error',
		privileges: health?.privileges.creates === false
	};
	return UNWELL.filter((reason) => found[reason]);
}

/** A node's state as placement sees it. */
export function placingState(node: PlacingRow): PlacingState {
	if (node.status !== 'online') return node.status;
	return unwellBy(node).length > 0 ? 'unwell' : 'online';
}

/** How soon staff are told: a fault that is gone at the next look was none. */
const LOOKS_BEFORE_TELLING = 2;

/** What staff are told of: nothing while the node is offline, which is told by itself, or in their own hands. */
export function toldProblems(status: PlacingRow['status'], health: Health | null): Problem[] {
	if (status !== 'online' || !health) return [];
	return health.problems.filter(({ looks, isTold }) => isTold && looks >= LOOKS_BEFORE_TELLING);
}
