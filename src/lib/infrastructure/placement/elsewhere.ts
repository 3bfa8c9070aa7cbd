import { judge, type Candidate, type Resources, type Verdict, type Wanted } from './placement.ts';

/** A container that exists, as far as it matters where it may go. */
export interface Mover extends Resources {
	clusterId: string;
	nodeId: string;
	/** Its second node under high availability: it goes there alone, where all of it is promised already. */
	haNodeId: string | null;
	/** It lies on a storage besides the cluster's own, whose room is not the nodes'. */
	ownStorage: boolean;
}

/** What it takes of a node that it goes to. */
export function roomFor({ cpuCores, ramMb, diskGb, haNodeId, ownStorage }: Mover): Resources {
	if (haNodeId !== null) return { cpuCores: 0, ramMb: 0, diskGb: 0 };
	return { cpuCores, ramMb, diskGb: ownStorage ? 0 : diskGb };
}

/** What a node is asked for, so that it can go there. */
export function wantedElsewhere(container: Mover): Wanted {
	const { clusterId } = container;
	return { isolation: 'dedicated', clusterId, ...roomFor(container) };
}

/**
 * The nodes that a container may go to, as it sees them: the others of its cluster, of which it needs no VMID, no address, no
 * template and no server of databases, for it has them; or its second node alone, which counts it already.
 */
export function nodesElsewhere(world: Candidate[], container: Mover): Candidate[] {
	const { clusterId, nodeId, haNodeId } = container;
	return world
		.filter((node) => node.clusterId === clusterId && node.nodeId !== nodeId)
		.filter((node) => haNodeId === null || node.nodeId === haNodeId)
		.map((node) => ({
			...node,
			...{ freeAddresses: 1, freeVmids: 1, hasTemplate: true, databases: undefined },
			containers: node.containers - (haNodeId === null ? 0 : 1)
		}));
}

/** Judges every node that a container may go to, the best first. Takes nothing. */
export function judgeElsewhere(world: Candidate[], container: Mover): Verdict[] {
	return judge(nodesElsewhere(world, container), wantedElsewhere(container));
}

/** The node once the container is on its way to it: the second one counts it already. */
export function withMover(node: Candidate, container: Mover): Candidate {
	if (container.haNodeId !== null) return node;
	const room = roomFor(container);
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
