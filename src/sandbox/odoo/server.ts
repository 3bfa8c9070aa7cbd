import { reachableAt } from '../proxmox/operations-config.ts';
import type { Cluster } from '../proxmox/cluster.ts';
import type { ContainerState } from '../proxmox/state.ts';
import type { GuestState } from './state.ts';

/** What every client of PostgreSQL says while the server on that address is not there. */
export function unreachable(host: string): string {
	return `connection to server at "${host}", port 5432 failed: Connection refused\n\tIs the server running on that host and accepting TCP/IP connections?\n`;
}

/** The container whose PostgreSQL answers at an address; null when none does. */
export function serverAt(cluster: Cluster, host: string): ContainerState | null {
	const container = Object.values(cluster.state.containers).find(
		(one) => reachableAt(one) === host
	);
	const up = container?.status === 'running' && container.readyAtMs <= Date.now();
	const guest = container && cluster.guests.get(container.vmid);
	return up && guest && !guest.databaseHost ? container : null;
}

/**
 * A guest with the databases that its Odoo works on: its own, or those of the server that its configuration names.
 * @returns null when that server does not answer
 */
export function withDatabases(cluster: Cluster, state: GuestState): GuestState | null {
	if (!state.databaseHost) return state;
	const server = serverAt(cluster, state.databaseHost);
	if (!server) return null;
	const { databases } = cluster.guests.get(server.vmid)!;
	// Everything else stays the guest's own, also when it is changed.
	return new Proxy(state, {
		get: (target, key) => (key === 'databases' ? databases : Reflect.get(target, key))
	});
}
