import {
	judge,
	judgeShared,
	type Candidate,
	type Rejection,
	type Resources,
	type SharedCandidate,
	type Wanted
} from './placement.ts';

/** The question "how many more of this plan?", asked of a world that is changed by each one that is placed. */
export interface Question {
	wanted: Wanted;
	/** How many are to be placed, at least 1. */
	count: number;
	candidates: Candidate[];
	/** Shared isolation alone; empty otherwise. */
	shared: SharedCandidate[];
	/** What a new shared container is promised, and how many tenants it holds. */
	newShared: Resources & { slots: number };
}

export interface Simulation {
	count: number;
	/** How many of them find a place. */
	fits: number;
	/** Tenants per node, in the order in which nodes were first chosen. */
	places: { nodeId: string; name: string; tenants: number; newContainers: number }[];
	/** Why the next one finds none, for each node; empty when all fit. */
	full: { name: string; reasons: Rejection[] }[];
}

/** Places one after the other as real placements would, and takes nothing. */
export function simulate({ wanted, count, newShared, ...world }: Question): Simulation {
	const candidates = world.candidates.map((one) => ({ ...one, committed: { ...one.committed } }));
	const shared = world.shared.map((one) => ({ ...one }));
	const places = new Map<string, Simulation['places'][number]>();
	const isShared = wanted.isolation === 'shared';
	const container: Wanted = isShared ? { ...wanted, ...resourcesOf(newShared) } : wanted;
	let fits = 0;
	for (; fits < count; fits += 1) {
		const slot = isShared ? judgeShared(shared, wanted)[0] : undefined;
		if (slot?.fits) {
			slot.candidate.taken += 1;
			const node = candidates.find(({ nodeId }) => nodeId === slot.candidate.nodeId);
			note(places, slot.candidate.nodeId, node?.name ?? '', false);
			continue;
		}
		const best = judge(candidates, container)[0];
		if (!best?.fits) break;
		commit(best.candidate, container, candidates);
		note(places, best.candidate.nodeId, best.candidate.name, true);
		if (isShared) shared.push(sharedOn(best.candidate, newShared.slots, fits));
	}
	const full =
		fits === count
			? []
			: judge(candidates, container).map(({ candidate, reasons }) => ({
					name: candidate.name,
					reasons
				}));
	return { count, fits, places: [...places.values()], full };
}

function resourcesOf({ cpuCores, ramMb, diskGb }: Resources): Resources {
	return { cpuCores, ramMb, diskGb };
}

function commit(node: Candidate, by: Resources, all: Candidate[]): void {
	node.committed = {
		cpuCores: node.committed.cpuCores + by.cpuCores,
		ramMb: node.committed.ramMb + by.ramMb,
		diskGb: node.committed.diskGb + by.diskGb
	};
	node.containers += 1;
	// Addresses and VMIDs are the whole cluster's.
	for (const one of all) {
		if (one.clusterId !== node.clusterId) continue;
		one.freeAddresses -= 1;
		one.freeVmids -= 1;
	}
}

function note(
	places: Map<string, Simulation['places'][number]>,
	nodeId: string,
	name: string,
	isNew: boolean
): void {
	const place = places.get(nodeId) ?? { nodeId, name, tenants: 0, newContainers: 0 };
	place.tenants += 1;
	if (isNew) place.newContainers += 1;
	places.set(nodeId, place);
}

function sharedOn(node: Candidate, slots: number, number: number): SharedCandidate {
	return {
		...{ containerId: `new-${number}`, vmid: Number.MAX_SAFE_INTEGER - number, slots, taken: 1 },
		...{ nodeId: node.nodeId, clusterId: node.clusterId, region: node.region },
		...{ nodeStatus: node.status, status: 'provisioning', retiring: false }
	};
}
