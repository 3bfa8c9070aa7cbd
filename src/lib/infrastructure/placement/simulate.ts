import {
	judge,
	judgeShared,
	type Candidate,
	type Rejection,
	type Resources,
	type SharedCandidate,
	type Verdict,
	type Wanted
} from './placement.ts';
import { without, type Holding } from '../pools/without.ts';
import { connectionsOfOdoo } from '../postgres/connections.ts';
import { bestServer } from '../postgres/names.ts';

/** The question "how many more of this plan?", asked of a world that is changed by each one that is placed. */
export interface Question {
	wanted: Wanted;
	/** How many are to be placed, at least 1. */
	count: number;
	candidates: Candidate[];
	/** Shared isolation alone; empty otherwise. */
	shared: SharedCandidate[];
	/** Nodes of the containers that were made ahead and would be taken first, one for each. */
	warm: { nodeId: string; node: string }[];
	/** What was made ahead for others: it goes when there is no other room. */
	held: Holding[];
	/** What a new shared container is promised, and how many tenants it holds. */
	newShared: Resources & { slots: number };
}

export interface Simulation {
	count: number;
	/** How many of them find a place. */
	fits: number;
	/** How many of those only once what was made ahead for others is gone. */
	yielded: number;
	/** Tenants per node, in the order in which nodes were first chosen. */
	places: { nodeId: string; name: string; tenants: number; newContainers: number }[];
	/** Why the next one finds none, for each node; empty when all fit. */
	full: { name: string; reasons: Rejection[] }[];
}

/** Places one after the other as real placements would, and takes nothing. */
export function simulate({ wanted, count, newShared, held, ...world }: Question): Simulation {
	let candidates = world.candidates.map((one) => ({ ...one }));
	const ahead = [...world.warm];
	const shared = world.shared.map((one) => ({ ...one }));
	const places = new Map<string, Simulation['places'][number]>();
	const isShared = wanted.isolation === 'shared';
	const container: Wanted = isShared ? { ...wanted, ...resourcesOf(newShared) } : wanted;
	let [fits, yielded] = [0, 0];
	let isYielded = held.length === 0;
	for (; fits < count; fits += 1) {
		const slot = isShared ? judgeShared(shared, wanted)[0] : undefined;
		if (slot?.fits) {
			slot.candidate.taken += 1;
			const node = candidates.find(({ nodeId }) => nodeId === slot.candidate.nodeId);
			note(places, slot.candidate.nodeId, node?.name ?? '', false);
			continue;
		}
		const ready = ahead.shift();
		if (ready) {
			note(places, ready.nodeId, ready.node, false);
			continue;
		}
		let best = judge(candidates, container)[0];
		if (!best?.fits && !isYielded) {
			isYielded = true;
			candidates = without(candidates, held);
			best = judge(candidates, container)[0];
		}
		if (!best?.fits) break;
		if (isYielded && held.length > 0) yielded += 1;
		commit(best, container, candidates);
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
	return { count, fits, yielded, places: [...places.values()], full };
}

function resourcesOf({ cpuCores, ramMb, diskGb }: Resources): Resources {
	return { cpuCores, ramMb, diskGb };
}

/** What a placement promises: on the node, and all of it once more on the one that would take over. */
function commit({ candidate, partner }: Verdict, by: Resources, all: Candidate[]): void {
	const storage = partner?.storage.own === false ? partner.storage.storage : null;
	promise(candidate, by, storage);
	if (partner) promise(partner.candidate, by, storage);
	const server = bestServer(candidate.databases ?? [], candidate.nodeId, by);
	// Addresses, VMIDs and servers of databases are the whole cluster's.
	for (const one of all) {
		if (one.clusterId !== candidate.clusterId) continue;
		one.freeAddresses -= 1;
		one.freeVmids -= 1;
		one.databases = one.databases?.map((each) =>
			each.containerId === server
				? { ...each, load: each.load + 1, free: each.free - connectionsOfOdoo(by) }
				: each
		);
	}
}

/** @param storage that the disk is taken from instead of the cluster's own */
function promise(node: Candidate, by: Resources, storage: string | null): void {
	node.committed = {
		cpuCores: node.committed.cpuCores + by.cpuCores,
		ramMb: node.committed.ramMb + by.ramMb,
		diskGb: node.committed.diskGb + (storage === null ? by.diskGb : 0)
	};
	node.containers += 1;
	if (storage === null || !node.ha) return;
	const storages = node.ha.storages.map((one) =>
		one.storage === storage ? { ...one, freeGb: one.freeGb - by.diskGb } : one
	);
	node.ha = { ...node.ha, storages };
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
		...{ nodeStatus: node.status, status: 'provisioning', retiring: false, warm: false }
	};
}
