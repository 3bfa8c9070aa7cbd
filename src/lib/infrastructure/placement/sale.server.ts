import type { Tx } from '#lib/core/db.server.ts';
import { makeRoom, type Movable, type RoomPlan } from './makeRoom.ts';
import type { PlacementRules } from './placement.server.ts';
import { judge, RESOURCES, type Candidate, type Resources, type Wanted } from './placement.ts';
import { simulate, type Simulation } from './simulate.ts';
import { readyWarm } from '../pools/takeWarm.server.ts';
import { readWorld, sharedCandidates, type World } from './world.server.ts';

/** How many more of a plan would find a place now, and where; takes nothing. @param count at least 1 */
export async function simulateSale(
	tx: Tx,
	wanted: Wanted,
	count: number,
	rules: PlacementRules,
	world?: World
): Promise<Simulation> {
	const slots = rules.tenantsPerSharedContainer;
	const warm = await readyWarm(tx, wanted);
	const own = warm.map(({ containerId }) => containerId);
	return simulate({
		...{ wanted, count, newShared: { ...rules.sharedContainer, slots }, warm },
		held: await tx.container.findMany({
			where: {
				...{ warmPlanId: { not: null }, status: { not: 'deleted' }, id: { notIn: own } },
				// One that is shared has slots, which are counted as such.
				...(wanted.isolation === 'shared' && { purpose: { not: 'shared' } })
			},
			select: {
				...{ nodeId: true, clusterId: true, postgresContainerId: true },
				...{ cpuCores: true, ramMb: true, diskGb: true }
			}
		}),
		candidates: (world ?? (await readWorld(tx))).nodes,
		shared: wanted.isolation === 'shared' ? await sharedCandidates(tx) : []
	});
}

/** What a node would have to have for one more container. */
export interface Expansion {
	nodeId: string;
	name: string;
	/** What is missing of each scarce resource, and the overcommit at which it would be enough. */
	lacks: { code: keyof Resources; missing: number; overcommit: number }[];
	/** The number of containers that it would have to be allowed; null when that is no obstacle. */
	maxContainers: number | null;
}

/** What makes room for a container that finds none. */
export interface WaysOut {
	/** The fewest moves after which a node has room; null when no moves help. */
	moves: RoomPlan | null;
	/** Nodes in service that lack nothing but capacity, those that lack least first. */
	expansions: Expansion[];
}

/**
 * The ways out of a full cluster for one more container of these limits; takes nothing.
 * @param movables containers that may be moved now
 */
export function waysOut(
	{ nodes, capacity: capacities }: World,
	wanted: Wanted,
	rules: PlacementRules,
	movables: Movable[]
): WaysOut {
	const container: Wanted =
		wanted.isolation === 'shared' ? { ...wanted, ...rules.sharedContainer } : wanted;
	return {
		moves: makeRoom(nodes, movables, container),
		expansions: judge(nodes, container)
			.flatMap(({ candidate }) => {
				const capacity = capacities.get(candidate.nodeId);
				const expansion = capacity && expansionOf(candidate, capacity, container, nodes);
				return expansion ? [expansion] : [];
			})
			.sort((a, b) => worst(a) - worst(b))
	};
}

function worst({ lacks }: Expansion): number {
	return Math.max(0, ...lacks.map(({ overcommit }) => overcommit));
}

/** @returns null where capacity is not what keeps the container away */
function expansionOf(
	node: Candidate,
	capacity: Resources,
	wanted: Wanted,
	world: Candidate[]
): Expansion | null {
	const [verdict] = judge([node], wanted, world);
	const capacities: string[] = [...RESOURCES, 'containers'];
	if (!verdict || verdict.fits || verdict.reasons.some(({ code }) => !capacities.includes(code))) {
		return null;
	}
	const lacks = RESOURCES.flatMap((code) => {
		const needed = node.committed[code] + wanted[code];
		if (needed <= node.limit[code]) return [];
		// Settings have two decimals, and a hair too little is too little.
		const overcommit = Math.ceil((needed / Math.max(1, capacity[code])) * 100) / 100;
		return [{ code, missing: needed - node.limit[code], overcommit }];
	});
	return {
		...{ nodeId: node.nodeId, name: node.name, lacks },
		maxContainers: node.containers >= node.maxContainers ? node.containers + 1 : null
	};
}
