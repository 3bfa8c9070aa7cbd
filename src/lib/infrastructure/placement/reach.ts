import type { Candidate, SharedCandidate, Wanted } from './placement.ts';
import type { ClusterRoom } from './rooms.server.ts';

/** Nodes that a placement may look at: those of the place and the version that are asked for. */
export function nodesWithin(
	world: Candidate[],
	wanted: Wanted,
	rooms: ReadonlyMap<string, ClusterRoom>
): Candidate[] {
	const { nodeId, odooVersion } = wanted;
	return world.filter(
		(node) =>
			(!nodeId || node.nodeId === nodeId) &&
			(!odooVersion || rooms.get(node.clusterId)?.odooVersion === odooVersion)
	);
}

/** Likewise of shared containers, without the one that somebody is to leave. */
export function sharedWithin(all: SharedCandidate[], wanted: Wanted): SharedCandidate[] {
	const { nodeId, odooVersion, besides } = wanted;
	return all.filter(
		(one) =>
			(!nodeId || one.nodeId === nodeId) &&
			(!odooVersion || !one.odooVersion || one.odooVersion === odooVersion) &&
			one.containerId !== besides
	);
}
