import { judge, RESOURCES, type Candidate, type Resources, type Wanted } from './placement.ts';

/** A container that may be moved to another node of its cluster. */
export interface Movable extends Resources {
	containerId: string;
	vmid: number;
	hostname: string;
	nodeId: string;
	/** Names of the instances that are off the air while it moves. */
	tenants: string[];
}

export interface Move {
	container: Movable;
	from: { nodeId: string; name: string };
	to: { nodeId: string; name: string };
}

/** Moves after which `node` has room for what is wanted. */
export interface RoomPlan {
	node: { nodeId: string; name: string };
	moves: Move[];
}

/** More moves than this are no way to make room for one container. */
const MOST_MOVES = 6;

/**
 * The fewest moves after which some node has room, or null when no moves help. Of equally few those that carry the least
 * memory, because what is moved is off the air. Takes nothing.
 */
export function makeRoom(
	candidates: Candidate[],
	movables: Movable[],
	wanted: Wanted
): RoomPlan | null {
	const plans = candidates
		.map((node) => planFor(node, candidates, movables, wanted))
		.filter((plan) => plan !== null);
	plans.sort((a, b) => a.moves.length - b.moves.length || weight(a) - weight(b));
	return plans[0] ?? null;
}

function weight({ moves }: RoomPlan): number {
	return moves.reduce((sum, { container }) => sum + container.ramMb, 0);
}

function planFor(
	node: Candidate,
	candidates: Candidate[],
	movables: Movable[],
	wanted: Wanted
): RoomPlan | null {
	const [verdict] = judge([node], wanted, candidates);
	// Only resources and the number of containers can be given free by moving something away.
	const movable: string[] = [...RESOURCES, 'containers', 'ha_partner'];
	if (!verdict || verdict.fits || verdict.reasons.some(({ code }) => !movable.includes(code))) {
		return null;
	}
	const here = movables.filter(({ nodeId }) => nodeId === node.nodeId);
	const smallest = here.toSorted((a, b) => a.ramMb - b.ramMb || a.vmid - b.vmid);
	const hasRoom = (gone: Movable[]) => roomWithout(node, gone, candidates, wanted);
	const single = smallest.find((one) => hasRoom([one]));
	const chosen = single ? [single] : enough(smallest.toReversed(), hasRoom);
	if (!chosen) return null;
	const sent = send(chosen, node, candidates);
	// What went elsewhere may have taken the room of the node that would take over.
	return sent && judge(sent.after, wanted)[0]?.fits
		? { node: named(node), moves: sent.moves }
		: null;
}

/** The largest ones until there is room, less those that turn out not to be needed. */
function enough(largest: Movable[], hasRoom: (gone: Movable[]) => boolean): Movable[] | null {
	const taken: Movable[] = [];
	for (const one of largest) {
		if (taken.length === MOST_MOVES) return null;
		taken.push(one);
		if (!hasRoom(taken)) continue;
		return taken.filter((extra) => !hasRoom(taken.filter((kept) => kept !== extra)));
	}
	return null;
}

/** With high availability the room may be what it lacks to take over from another node. */
function roomWithout(
	node: Candidate,
	gone: Movable[],
	candidates: Candidate[],
	wanted: Wanted
): boolean {
	const emptier = changed(node, gone, -1);
	const world = candidates.map((one) => (one.nodeId === node.nodeId ? emptier : one));
	const judged = wanted.isolation === 'dedicated_ha' ? world : [emptier];
	return judge(judged, wanted, world)[0]?.fits === true;
}

/** Finds each a place on another node of its cluster, one after the other. @returns null when one has none */
function send(
	chosen: Movable[],
	from: Candidate,
	candidates: Candidate[]
): { moves: Move[]; after: Candidate[] } | null {
	let after = candidates.map((one) =>
		one.nodeId === from.nodeId ? changed(one, chosen, -1) : one
	);
	let others = candidates
		.filter((one) => one.nodeId !== from.nodeId && one.clusterId === from.clusterId)
		// A container that moves keeps its VMID and its address.
		.map((one): Candidate => ({ ...one, freeAddresses: 1, freeVmids: 1, hasTemplate: true }));
	const moves: Move[] = [];
	for (const container of chosen) {
		const { cpuCores, ramMb, diskGb } = container;
		const [best] = judge(others, { isolation: 'dedicated', cpuCores, ramMb, diskGb });
		if (!best?.fits) return null;
		const { nodeId } = best.candidate;
		const take = (one: Candidate) => (one.nodeId === nodeId ? changed(one, [container], 1) : one);
		others = others.map(take);
		after = after.map(take);
		moves.push({ container, from: named(from), to: named(best.candidate) });
	}
	return { moves, after };
}

function changed(node: Candidate, by: Movable[], sign: 1 | -1): Candidate {
	const sum = (code: keyof Resources) => by.reduce((total, one) => total + one[code], 0) * sign;
	return {
		...node,
		containers: node.containers + by.length * sign,
		committed: {
			cpuCores: node.committed.cpuCores + sum('cpuCores'),
			ramMb: node.committed.ramMb + sum('ramMb'),
			diskGb: node.committed.diskGb + sum('diskGb')
		}
	};
}

function named({ nodeId, name }: Candidate) {
	return { nodeId, name };
}
