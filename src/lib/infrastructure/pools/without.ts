import type { Candidate, Resources } from '../placement/placement.ts';
import { connectionsOfOdoo } from '../postgres/connections.ts';

/** A container with what it holds of its node. */
export interface Holding extends Resources {
	nodeId: string;
	clusterId: string;
	/** The server that has its databases, if any. */
	postgresContainerId?: string | null;
}

export function less(from: Resources, by: Resources): Resources {
	return {
		cpuCores: from.cpuCores - by.cpuCores,
		ramMb: from.ramMb - by.ramMb,
		diskGb: from.diskGb - by.diskGb
	};
}

/** The nodes as they are once these are gone. */
export function without(world: Candidate[], gone: Holding[]): Candidate[] {
	return world.map((node) => {
		const here = gone.filter(({ nodeId }) => nodeId === node.nodeId);
		// Addresses and VMIDs are the whole cluster's.
		const inCluster = gone.filter(({ clusterId }) => clusterId === node.clusterId).length;
		return {
			...node,
			committed: here.reduce(less, node.committed),
			containers: node.containers - here.length,
			freeAddresses: node.freeAddresses + inCluster,
			freeVmids: node.freeVmids + inCluster,
			databases: node.databases?.map((server) => ({
				...server,
				free: server.free + promisedTo(gone, server.containerId)
			}))
		};
	});
}

/** Connections of a server that are free once these are gone. */
function promisedTo(gone: Holding[], serverId: string): number {
	return gone
		.filter(({ postgresContainerId }) => postgresContainerId === serverId)
		.reduce((sum, one) => sum + connectionsOfOdoo(one), 0);
}
