import {
	judge,
	type Candidate,
	type Resources,
	type Verdict
} from '#lib/infrastructure/placement/placement.ts';
import type { ContainerPurpose, ContainerStatus } from '#prisma/generated/enums.ts';

/** A container of a node that is to be emptied. */
export interface Drainable extends Resources {
	containerId: string;
	vmid: number;
	hostname: string;
	clusterId: string;
	nodeId: string;
	purpose: ContainerPurpose;
	status: ContainerStatus;
	adopted: boolean;
	retiring: boolean;
	/** Made ahead for the next customer: it is given up rather than moved. */
	warm: boolean;
	/** A move has it already. */
	moving: boolean;
	/** Its second node under high availability: it goes there alone, where its room is promised already. */
	haNodeId: string | null;
	/** It lies on a storage besides the cluster's own, whose room is not the nodes'. */
	ownStorage: boolean;
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

/** What speaks for and against each node that a container may go to, the best first; as `judgeTargets` of the moves themselves. */
function judged(candidates: Candidate[], container: Drainable): Verdict[] {
	const others = candidates
		.filter(({ nodeId, clusterId }) =>
			container.haNodeId
				? nodeId === container.haNodeId
				: nodeId !== container.nodeId && clusterId === container.clusterId
		)
		// It keeps its VMID and its address, and needs no template.
		.map((one) => ({ ...one, freeAddresses: 1, freeVmids: 1, hasTemplate: true }));
	return judge(others, { isolation: 'dedicated', ...roomOf(container) });
}

/** What it takes of a node that it goes to. */
function roomOf({ cpuCores, ramMb, diskGb, haNodeId, ownStorage }: Drainable): Resources {
	if (haNodeId) return { cpuCores: 0, ramMb: 0, diskGb: 0 };
	return { cpuCores, ramMb, diskGb: ownStorage ? 0 : diskGb };
}

/**
 * Where each container of a node would go. Those with the most memory choose first, so that they find a place at all; each
 * takes its room from those after it. They go in the other order: the small ones show early whether it works, and disturb
 * few. Takes nothing.
 * @param candidates every node as placement sees it; those in maintenance are no target
 */
export function planDrain(containers: Drainable[], candidates: Candidate[]): DrainPlan {
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
	for (const container of movable.toSorted(largestFirst)) {
		const verdicts = judged(nodes, container);
		const best = verdicts[0];
		if (!best?.fits) {
			plan.stuck.push({ container, nodes: verdicts });
			continue;
		}
		const { nodeId, name } = best.candidate;
		nodes = nodes.map((one) => (one.nodeId === nodeId ? withOneMore(one, roomOf(container)) : one));
		plan.moves.push({ container, to: { nodeId, name } });
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

function withOneMore(node: Candidate, room: Resources): Candidate {
	const { committed } = node;
	return {
		...node,
		containers: node.containers + 1,
		committed: {
			cpuCores: committed.cpuCores + room.cpuCores,
			ramMb: committed.ramMb + room.ramMb,
			diskGb: committed.diskGb + room.diskGb
		}
	};
}

function sum(parts: (number | null)[]): number | null {
	let total = 0;
	for (const part of parts) {
		if (part === null) return null;
		total += part;
	}
	return total;
}
