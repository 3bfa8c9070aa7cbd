import {
	nodesElsewhere,
	wantedElsewhere,
	withMover,
	type Mover
} from '#lib/infrastructure/placement/elsewhere.ts';
import { judge, type Candidate, type Verdict } from '#lib/infrastructure/placement/placement.ts';
import { without } from '#lib/infrastructure/pools/without.ts';
import { yielding, type Held } from '#lib/infrastructure/pools/yielding.ts';
import type { ContainerPurpose, ContainerStatus } from '#prisma/generated/enums.ts';

/** A container of a node that is to be emptied. */
export interface Drainable extends Mover {
	containerId: string;
	vmid: number;
	hostname: string;
	purpose: ContainerPurpose;
	status: ContainerStatus;
	adopted: boolean;
	retiring: boolean;
	/** Made ahead for the next customer: it is given up rather than moved. */
	warm: boolean;
	/** A move has it already. */
	moving: boolean;
	/** One of its instances has a move, of its own or with it, that has not ended or may still go back. */
	held: boolean;
	/** Milliseconds that its instances will be off the air, as far as we can tell; null: not known. */
	expectedMs: number | null;
	/** Who is off the air meanwhile. */
	tenants: { id: string; slug: string; company: string }[];
}

/** Why a container stays on its node whatever happens: somebody has to decide about it. */
export type StayReason =
	'template' | 'adopted' | 'postgres' | 'warm' | 'being_made' | 'retiring' | 'error';

/** Where a container goes, in the order in which they go. */
export interface PlannedMove {
	container: Drainable;
	to: { nodeId: string; name: string };
	/** Made ahead for others, and gone before there is room; null: there is room now. */
	yields: { containerId: string; vmid: number }[] | null;
}

/** A container that fits nowhere, with what speaks against each other node of its cluster. */
export interface StuckContainer {
	container: Drainable;
	nodes: Verdict[];
}

export interface DrainPlan {
	moves: PlannedMove[];
	stuck: StuckContainer[];
	stays: { container: Drainable; reason: StayReason }[];
	/** Are on their way already. */
	moving: Drainable[];
	/** Milliseconds off the air of all instances' containers, one after the other; null: of some it is not known. */
	expectedMs: number | null;
	/** Everybody who is off the air for a while if the plan is carried out, by name. */
	tenants: Drainable['tenants'];
}

/** Why it is not moved; null: it may go. */
export function stayReason(container: Drainable): StayReason | null {
	if (container.purpose === 'template') return 'template';
	if (container.adopted) return 'adopted';
	if (container.purpose === 'postgres') return 'postgres';
	if (container.warm) return 'warm';
	if (container.retiring) return 'retiring';
	if (container.status === 'provisioning') return 'being_made';
	return container.status === 'error' ? 'error' : null;
}

/** Whether a drain plans a move for it: it may go, and nothing takes it away already. */
export function mayGo(container: Drainable): boolean {
	return !container.moving && stayReason(container) === null;
}

/**
 * Where each container of a node would go. Those with the most memory choose first, so that they find a place at all; each
 * takes its room from those after it. They go in the other order: the small ones show early whether it works, and disturb
 * few. Takes nothing.
 * @param candidates every node as placement sees it; those in maintenance are no target
 * @param ahead what was made ahead for others, and goes where it is in the way
 */
export function planDrain(
	containers: Drainable[],
	candidates: Candidate[],
	ahead: Held[] = []
): DrainPlan {
	const plan: DrainPlan = {
		...{ moves: [], stuck: [], stays: [], moving: [], expectedMs: null, tenants: [] }
	};
	const movable: Drainable[] = [];
	for (const container of containers.toSorted((a, b) => a.vmid - b.vmid)) {
		if (container.moving) {
			plan.moving.push(container);
			continue;
		}
		const reason = stayReason(container);
		if (reason) plan.stays.push({ container, reason });
		else movable.push(container);
	}
	let nodes = candidates;
	let held = ahead;
	for (const container of movable.toSorted(largestFirst)) {
		const wanted = wantedElsewhere(container);
		const targets = nodesElsewhere(nodes, container);
		const verdicts = judge(targets, wanted);
		const yields = verdicts[0]?.fits ? null : yielding(held, targets, wanted);
		const to = yields?.node ?? (verdicts[0]?.fits ? verdicts[0].candidate : null);
		if (!to) {
			plan.stuck.push({ container, nodes: verdicts });
			continue;
		}
		if (yields) {
			// Those that are going already are as good as gone for whoever chooses next.
			const gone = held.filter((one) => one.retiring || yields.containers.includes(one));
			nodes = without(nodes, gone);
			held = held.filter((one) => !gone.includes(one));
		}
		const { nodeId, name } = to;
		nodes = nodes.map((one) => (one.nodeId === nodeId ? withMover(one, container) : one));
		const names = yields?.containers.map(({ containerId, vmid }) => ({ containerId, vmid }));
		plan.moves.push({ container, to: { nodeId, name }, yields: names ?? null });
	}
	plan.moves.sort((a, b) => largestFirst(b.container, a.container));
	plan.expectedMs = sum(plan.moves.map(({ container }) => container.expectedMs));
	plan.tenants = plan.moves
		.flatMap(({ container }) => container.tenants)
		.sort((a, b) => a.slug.localeCompare(b.slug));
	return plan;
}

/** By memory, then by disk, then the younger one, so that the order is the same at every look. */
function largestFirst(a: Drainable, b: Drainable): number {
	return b.ramMb - a.ramMb || b.diskGb - a.diskGb || b.vmid - a.vmid;
}

function sum(parts: (number | null)[]): number | null {
	let total = 0;
	for (const part of parts) {
		if (part === null) return null;
		total += part;
	}
	return total;
}
