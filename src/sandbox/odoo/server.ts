import { BlockList } from 'node:net';
import { reachableAt } from '../proxmox/operations-config.ts';
import type { Cluster } from '../proxmox/cluster.ts';
import type { ContainerState } from '../proxmox/state.ts';
import type { DatabaseState, GuestState } from './state.ts';

/** Where libpq looks for the password of Odoo's system user. */
const PGPASS = '/var/lib/odoo/.pgpass';

export function ownerOf({ owner }: DatabaseState): string {
	return owner ?? 'odoo';
}

/** The container whose PostgreSQL answers at an address; null when none does. */
function serverAt(cluster: Cluster, host: string): GuestState | null {
	const container = Object.values(cluster.state.containers).find(
		(one) => reachableAt(one) === host
	);
	const node = cluster.state.nodes.find(({ name }) => name === container?.node);
	const up = node?.online && container?.status === 'running' && container.readyAtMs <= Date.now();
	const guest = container && cluster.guests.get(container.vmid);
	// Without a network that it listens to, it listens on loopback alone.
	return up && guest?.server ? guest : null;
}

/** A session on a server elsewhere, or what libpq says instead. */
export type Admission = { server: GuestState; role: string } | { error: string };

/** Connects from a container as a role: the address must be in pg_hba.conf, and the password in `.pgpass` be the role's. */
export function connect(
	cluster: Cluster,
	{ container, state }: { container: ContainerState; state: GuestState },
	host: string,
	role: string
): Admission {
	const prefix = `connection to server at "${host}", port 5432 failed: `;
	const server = serverAt(cluster, host);
	if (!server)
		return {
			error: `${prefix}Connection refused\n\tIs the server running on that host and accepting TCP/IP connections?\n`
		};
	const from = reachableAt(container) ?? '';
	if (!isWithin(from, server.server!.networks))
		return {
			error: `${prefix}FATAL:  no pg_hba.conf entry for host "${from}", user "${role}", database "postgres", no encryption\n`
		};
	const given = passwordIn(state, host, role);
	if (given === null) return { error: `${prefix}fe_sendauth: no password supplied\n` };
	const { roles } = server.server!;
	if (!Object.hasOwn(roles, role) || roles[role] !== given)
		return { error: `${prefix}FATAL:  password authentication failed for user "${role}"\n` };
	return { server, role };
}

function isWithin(address: string, networks: string[]): boolean {
	const list = new BlockList();
	for (const network of networks) {
		const [net = '', bits = '32'] = network.split('/');
		list.addSubnet(net, Number(bits), 'ipv4');
	}
	return address !== '' && list.check(address, 'ipv4');
}

/** A line `host:port:database:user:password`, backslashes before what would end a field. */
function passwordIn(state: GuestState, host: string, role: string): string | null {
	const text = Buffer.from(state.files[PGPASS] ?? '', 'base64').toString('utf8');
	for (const line of text.split('\n')) {
		const [at, , , user, ...rest] = line.split(/(?<!\\):/);
		if ((at === host || at === '*') && (user === role || user === '*'))
			return rest.join(':').replace(/\\(.)/g, '$1');
	}
	return null;
}

export function writePassword(state: GuestState, host: string, role: string, password: string) {
	const escaped = password.replace(/[\\:]/g, '\\$&');
	state.files[PGPASS] = Buffer.from(`${host}:5432:*:${role}:${escaped}\n`).toString('base64');
}

/**
 * A guest with the databases that its Odoo works on: its own, or those of its role on the server that its configuration
 * names.
 */
export function withDatabases(
	cluster: Cluster,
	container: ContainerState,
	state: GuestState
): { state: GuestState } | { error: string } {
	if (!state.databaseHost) return { state };
	const role = state.databaseRole ?? 'odoo';
	const admission = connect(cluster, { container, state }, state.databaseHost, role);
	if ('error' in admission) return admission;
	const databases = databasesOf(admission.server, role);
	// Everything else stays the guest's own, also when it is changed.
	return {
		state: new Proxy(state, {
			get: (target, key) => (key === 'databases' ? databases : Reflect.get(target, key))
		})
	};
}

/** Names are the whole server's: another role has a database that is called so. */
export class DuplicateDatabase extends Error {
	constructor(name: string) {
		super(`psycopg2.errors.DuplicateDatabase: database "${name}" already exists\n`);
	}
}

/** The databases of a role, as Odoo lists them; what it makes is its own. */
function databasesOf({ databases }: GuestState, role: string): Record<string, DatabaseState> {
	const own = (key: string | symbol) => {
		const one = typeof key === 'string' ? databases[key] : undefined;
		return one && ownerOf(one) === role ? one : undefined;
	};
	return new Proxy(databases, {
		get: (_target, key) => own(key),
		has: (_target, key) => own(key) !== undefined,
		ownKeys: (target) => Object.keys(target).filter((key) => own(key)),
		getOwnPropertyDescriptor: (target, key) =>
			own(key) && Object.getOwnPropertyDescriptor(target, key),
		set: (target, key, value: DatabaseState) => {
			const there = target[String(key)];
			if (there && ownerOf(there) !== role) throw new DuplicateDatabase(String(key));
			target[String(key)] = { ...value, owner: role };
			return true;
		},
		deleteProperty: (target, key) => own(key) !== undefined && delete target[String(key)]
	});
}
