import { connectionsOfOdoo, type OdooSize } from './connections.ts';

/** Last characters of a container's id, which are its random ones. */
function markOf(containerId: string): string {
	return containerId.replaceAll('-', '').slice(-12);
}

/** The role that the Odoo of a container has on the server of databases: its own, and nobody else's ever. */
export function roleFor(containerId: string): string {
	return `odoo_${markOf(containerId)}`;
}

/** Ends the names of its template databases there: the names of a server are everybody's. */
export function templateSuffix(containerId: string): string {
	return `_${markOf(containerId)}`;
}

/** What binds the stored password of its role to the container. */
export function passwordContext(containerId: string): string {
	return `container:${containerId}:postgres_password`;
}

/** A server of databases that containers may be attached to. */
export interface ReadyServer {
	containerId: string;
	nodeId: string;
	/** Instances that may come to have their databases there: the slots of the containers that it serves. */
	load: number;
	/** Connections that no Odoo is promised; below 0 once those there have grown. */
	free: number;
}

/**
 * Of those that have connections left for one more Odoo of this size: on the same node first, since a query is then no matter
 * of the network; then the one that is promised least.
 */
export function bestServer(servers: ReadyServer[], nodeId: string, odoo: OdooSize): string | null {
	const far = (server: ReadyServer) => Number(server.nodeId !== nodeId);
	const needed = connectionsOfOdoo(odoo);
	const [best] = servers
		.filter(({ free }) => free >= needed)
		.toSorted((a, b) => far(a) - far(b) || a.load - b.load);
	return best?.containerId ?? null;
}
