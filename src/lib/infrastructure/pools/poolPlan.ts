import type { Isolation } from '#prisma/generated/enums.ts';
import {
	judge,
	lacksServer,
	RESOURCES,
	type Candidate,
	type Resources
} from '../placement/placement.ts';

/** What one container of a plan must be: the plan's limits, or those of a new shared container. */
export interface Mould extends Resources {
	isolation: Isolation;
	slots: number;
}

/** A pool as the keeper sees it: how many containers of a plan are wanted on a node. */
export interface Pool {
	nodeId: string;
	clusterId: string;
	planId: string;
	planKey: string;
	target: number;
	/** Null: the plan is not sold any more. */
	mould: Mould | null;
	/** Made ahead by nobody in particular: shared containers in service in which nobody lives. */
	spare: number;
	/** Its last container could not be made, and it is too early to try again. */
	isResting: boolean;
}

/** A container that was made ahead, or is being made, and is nobody's yet. */
export interface Warm extends Resources {
	containerId: string;
	nodeId: string;
	clusterId: string;
	planKey: string;
	isBroken: boolean;
	isBeingMade: boolean;
	slots: number;
	/** What it was copied from; null: it has not been copied yet. */
	templateId: string | null;
}

export interface PoolWorld {
	pools: Pool[];
	/** Those that are not being taken down already. */
	warm: Warm[];
	candidates: Candidate[];
	/** The template that each cluster copies now. */
	templates: ReadonlyMap<string, string>;
	/** Clusters in which a customer's container is being made: its copy goes first. */
	busy: ReadonlySet<string>;
	/** A customer waits for room. */
	somebodyWaits: boolean;
	/** Containers of the same plan for which a node must have room left after one was made ahead. */
	reserve: number;
}

/** Why a container that was made ahead is taken down. */
export type GiveUpReason =
	'maintenance' | 'surplus' | 'template' | 'limits' | 'broken' | 'room' | 'node';

/**
 * Why a pool is below its target: `not_sold` the plan, `no_template`, `no_server` of databases, `server_full` each of them,
 * `offline`, `maintenance` and `unwell` the node, `silent` its cluster, `no_room`, `wanted` somebody waits for room, `busy`
 * customers' containers are copied first.
 */
export type PoolWait =
	| 'not_sold'
	| 'no_template'
	| 'no_server'
	| 'server_full'
	| 'offline'
	| 'maintenance'
	| 'unwell'
	| 'silent'
	| 'no_room'
	| 'wanted'
	| 'busy';

export interface PoolPlan {
	giveUp: { containerId: string; why: GiveUpReason }[];
	/** At most one for each cluster: there is one copy of a template at a time. */
	make: { pool: Pool; mould: Mould }[];
	/** Of each pool below its target that nothing is done about; a resting one says what it said. */
	waits: Map<Pool, PoolWait | null>;
}

/** What is to be done now so that every pool comes to its target. Takes nothing. */
export function planPools(world: PoolWorld): PoolPlan {
	const plan: PoolPlan = { giveUp: [], make: [], waits: new Map() };
	const poolOf = (one: Warm) =>
		world.pools.find(({ nodeId, planKey }) => nodeId === one.nodeId && planKey === one.planKey);
	const kept: Warm[] = [];
	for (const one of world.warm) {
		const why = whyGone(one, poolOf(one), world);
		if (why) plan.giveUp.push({ containerId: one.containerId, why });
		else kept.push(one);
	}
	const making = new Set(
		kept.filter(({ isBeingMade }) => isBeingMade).map(({ clusterId }) => clusterId)
	);
	for (const pool of world.pools) {
		const own = kept.filter((one) => poolOf(one) === pool);
		const missing = pool.target - own.length - pool.spare;
		for (const { containerId } of surplus(own, -missing))
			plan.giveUp.push({ containerId, why: 'surplus' });
		if (missing <= 0) {
			plan.waits.set(pool, null);
			continue;
		}
		if (pool.isResting) continue;
		const wait = whyNot(pool, world);
		plan.waits.set(pool, wait);
		// Another one of this cluster is being copied, or will be: its end brings the next look.
		if (wait || !pool.mould || making.has(pool.clusterId)) continue;
		making.add(pool.clusterId);
		plan.make.push({ pool, mould: pool.mould });
	}
	return plan;
}

function whyGone(one: Warm, pool: Pool | undefined, world: PoolWorld): GiveUpReason | null {
	const node = world.candidates.find(({ nodeId }) => nodeId === one.nodeId);
	// Nobody moves it when its node is emptied: another one is made elsewhere, sooner.
	if (node?.status === 'maintenance') return 'maintenance';
	if (!node || !pool?.mould) return 'surplus';
	if (one.isBroken) return 'broken';
	const current = world.templates.get(one.clusterId);
	if (one.templateId !== null && one.templateId !== current) return 'template';
	const { mould } = pool;
	const isOther = RESOURCES.some((code) => one[code] !== mould[code]) || one.slots !== mould.slots;
	return isOther ? 'limits' : null;
}

/** Those that are given up first: what is not whole yet, then what was made last. */
function surplus(own: Warm[], count: number): Warm[] {
	if (count <= 0) return [];
	const [making, ready] = [
		own.filter(({ isBeingMade }) => isBeingMade),
		own.filter(({ isBeingMade }) => !isBeingMade)
	];
	return [...making, ...ready.toReversed()].slice(0, count);
}

function whyNot({ mould, nodeId, clusterId }: Pool, world: PoolWorld): PoolWait | null {
	if (!mould) return 'not_sold';
	const node = world.candidates.find((one) => one.nodeId === nodeId);
	if (!node) return 'offline';
	if (node.status !== 'online') return node.status;
	if (!world.templates.has(clusterId)) return 'no_template';
	const lacking = lacksServer(forMany(node, 1 + world.reserve), mould);
	if (lacking) return lacking === 'database_server' ? 'no_server' : 'server_full';
	if (world.somebodyWaits) return 'wanted';
	if (!hasRoom(node, mould, world.reserve)) return 'no_room';
	return world.busy.has(clusterId) ? 'busy' : null;
}

/** The node as each of so many finds it that take connections of servers of databases alike. */
function forMany(node: Candidate, times: number): Candidate {
	const databases = node.databases?.map((server) => ({
		...server,
		free: Math.floor(server.free / times)
	}));
	return { ...node, databases };
}

/** Whether one more fits, and after it as many as are kept free for who comes. */
function hasRoom(node: Candidate, mould: Mould, reserve: number): boolean {
	const times = 1 + reserve;
	const room: Candidate = {
		...node,
		// Of which each has been asked for all of them.
		databases: undefined,
		maxContainers: node.maxContainers - reserve,
		freeAddresses: node.freeAddresses - reserve,
		freeVmids: node.freeVmids - reserve
	};
	const wanted = {
		isolation: 'dedicated' as const,
		cpuCores: mould.cpuCores * times,
		ramMb: mould.ramMb * times,
		diskGb: mould.diskGb * times
	};
	return judge([room], wanted)[0]?.fits === true;
}
