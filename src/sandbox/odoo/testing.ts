import type { Cluster } from '../proxmox/cluster.ts';
import { writePassword } from './server.ts';

/** For tests: the Odoo of one container has its databases in another one, as a role of its own. */
export function keepElsewhere(
	cluster: Cluster,
	{ client, server, host, role }: { client: number; server: number; host: string; role: string }
): void {
	const [near, far] = [cluster.guests.get(client)!, cluster.guests.get(server)!];
	Object.assign(near, { databases: {}, databaseHost: host, databaseRole: role });
	writePassword(near, host, role, 'a:b\\c');
	far.server = { roles: { ...far.server?.roles, [role]: 'a:b\\c' }, networks: ['10.0.0.0/8'] };
	for (const database of Object.values(far.databases)) database.owner ??= role;
	cluster.guests.changed();
}
