import { judgeElsewhere, roomFor, withMover, type Mover } from './elsewhere.ts';
import { judge, RESOURCES, type Candidate, type Resources, type Wanted } from './placement.ts';

/** A container that may be moved to another node of its cluster. */
export interface Movable extends Mover {
	containerId: string;
	vmid: number;
	hostname: string;
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
	// What has a second node is promised on both, whichever of them it runs on.
	const here = movables.filter((one) => one.nodeId === node.nodeId && one.haNodeId === null);
	const smallest = here.toSorted((a, b) => a.ramMb - b.ramMb || a.vmid - b.vmid);
	const hasRoom = bySize((gone) => roomWithout(node, gone, candidates, wanted));
	const single = smallest.find((one) => hasRoom([one]));
	const chosen = single ? [single] : enough(smallest.toReversed(), hasRoom);
	if (!chosen) return null;
	const sent = send(chosen, node, candidates);
	// What went elsewhere may have taken the room of the node that would take over.
	return sent && judge(sent.after, wanted)[0]?.fits
		? { node: named(node), moves: sent.moves }
		: null;
}

/** Containers have the sizes of a few plans: what is true without some of them is so without others as large. */
function bySize(judged: (gone: Movable[]) => boolean): (gone: Movable[]) => boolean {
	const known = new Map<string, boolean>();
	return (gone) => {
		const size = gone.map((one) => Object.values(roomFor(one)).join('/')).join(' ');
		const found = known.get(size) ?? judged(gone);
		known.set(size, found);
		return found;
	};
}

/** The largest ones until there is room, less those that turn out not to be needed. */
function enough(largest: Movable[], hasRoom: (gone: Movable[]) => boolean): Movable[] | null {
	const taken: Movable[] = [];
	for (const one of largest) {
		if (taken.length === MOST_MOVES) return null;
		taken.push(one);
		if (!hasRoom(taken)) continue;
		const needed = taken.filter((extra) => !hasRoom(taken.filter((kept) => kept !== extra)));
		// Of two that stand in for each other each alone is not needed.
		return hasRoom(needed) ? needed : taken;
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
	const emptier = relieved(node, gone);
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
	let after = candidates.map((one) => (one.nodeId === from.nodeId ? relieved(one, chosen) : one));
	const moves: Move[] = [];
	for (const container of chosen) {
		const [best] = judgeElsewhere(after, container);
		if (!best?.fits) return null;
		const { nodeId } = best.candidate;
		after = after.map((one) => (one.nodeId === nodeId ? withMover(one, container) : one));
		moves.push({ container, from: named(from), to: named(best.candidate) });
	}
	return { moves, after };
}

/** The node once these have left it. */
function relieved(node: Candidate, gone: Movable[]): Candidate {
	const sum = (code: keyof Resources) => gone.reduce((total, one) => total + roomFor(one)[code], 0);
	const { cpuCores, ramMb, diskGb } = node.committed;
	return {
		...node,
		containers: node.containers - gone.length,
		committed: {
			cpuCores: cpuCores - sum('cpuCores'),
			ramMb: ramMb - sum('ramMb'),
			diskGb: diskGb - sum('diskGb')
		}
	};
}

function named({ nodeId, name }: Candidate) {
	return { nodeId, name };
}
