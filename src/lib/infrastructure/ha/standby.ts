/** Where a container is, and who takes over from there. */
interface Pair {
	nodeId: string;
	haNodeId: string | null;
}

/**
 * What its row says once a container is on another node: where it went to the node that stood by for it, the one that it
 * left stands by from now on.
 */
export function goneTo(before: Pair, nodeId: string): { nodeId: string; haNodeId?: string } {
	return before.haNodeId === nodeId ? { nodeId, haNodeId: before.nodeId } : { nodeId };
}
