import { timingSafeEqual } from 'node:crypto';
import type { Cluster } from './cluster.ts';
import { forbidden } from './errors.ts';

/** Who calls: the full token id and its user. */
export interface Caller {
	token: string;
	user: string;
	privsep: boolean;
}

const AUDIT = [
	'VM.Audit',
	'Datastore.Audit',
	'Sys.Audit',
	'Pool.Audit',
	'SDN.Audit',
	'Mapping.Audit'
];
const VM = [
	'VM.Allocate',
	'VM.Backup',
	'VM.Clone',
	'VM.Config.CPU',
	'VM.Config.Disk',
	'VM.Config.Memory',
	'VM.Config.Network',
	'VM.Config.Options',
	'VM.Console',
	'VM.Migrate',
	'VM.PowerMgmt',
	'VM.Snapshot',
	'VM.Snapshot.Rollback'
];
const STORAGE = ['Datastore.Allocate', 'Datastore.AllocateSpace', 'Datastore.AllocateTemplate'];

/** Built-in roles of PVE 9, as far as the operations here ask for them, and one of our own. */
const ROLES: Record<string, string[]> = {
	Administrator: [
		...AUDIT,
		...VM,
		...STORAGE,
		'Sys.Modify',
		'Sys.Console',
		'Sys.PowerMgmt',
		'Pool.Allocate',
		'User.Modify',
		'Permissions.Modify',
		'SDN.Use'
	],
	ERPCore: [
		...AUDIT,
		...VM,
		...STORAGE,
		'Sys.Console',
		'Sys.Modify',
		'Pool.Allocate',
		'SDN.Use',
		'User.Modify',
		'Permissions.Modify'
	],
	PVEAdmin: [...AUDIT, ...VM, ...STORAGE, 'Pool.Allocate', 'SDN.Use', 'Sys.Console'],
	PVEAuditor: AUDIT,
	PVEVMAdmin: ['VM.Audit', ...VM],
	PVEVMUser: ['VM.Audit', 'VM.Backup', 'VM.Console', 'VM.PowerMgmt'],
	PVEDatastoreAdmin: ['Datastore.Audit', ...STORAGE],
	PVEDatastoreUser: ['Datastore.Audit', 'Datastore.AllocateSpace'],
	NoAccess: []
};

export function roleNames(): { roleid: string; privs: string; special: number }[] {
	return Object.entries(ROLES).map(([roleid, privs]) => ({
		roleid,
		privs: [...privs].sort().join(','),
		special: roleid === 'ERPCore' ? 0 : 1
	}));
}

/** The caller that the Authorization header proves; null when it proves none. */
export function authenticate(cluster: Cluster, header: string | undefined): Caller | null {
	const match = /^PVEAPIToken=([^=!]+@[^=!]+![^=]+)=(.+)$/.exec(header ?? '');
	if (!match) return null;
	const token = cluster.state.tokens.find((candidate) => candidate.id === match[1]);
	if (!token || !same(token.secret, match[2]!)) return null;
	if (token.expire > 0 && token.expire <= cluster.now()) return null;
	return { token: token.id, user: token.user, privsep: token.privsep };
}

/** Privileges on a path: the nearest entry on the way up to `/` decides, user and token each for themselves. */
export function privilegesOn(cluster: Cluster, caller: Caller, path: string): Set<string> {
	const ofUser = entryPrivileges(cluster, caller.user, path);
	if (!caller.privsep) return ofUser;
	const ofToken = entryPrivileges(cluster, caller.token, path);
	return new Set([...ofUser].filter((privilege) => ofToken.has(privilege)));
}

function entryPrivileges(cluster: Cluster, ugid: string, path: string): Set<string> {
	for (const level of upwards(path)) {
		const roles = cluster.state.acl.filter(
			(entry) => entry.ugid === ugid && entry.path === level && (entry.propagate || level === path)
		);
		if (roles.length > 0) return new Set(roles.flatMap((entry) => ROLES[entry.role] ?? []));
	}
	return new Set();
}

function upwards(path: string): string[] {
	const parts = path.split('/').filter(Boolean);
	const levels = parts.map((_, index) => `/${parts.slice(0, parts.length - index).join('/')}`);
	return [...levels, '/'];
}

export function may(cluster: Cluster, caller: Caller, path: string, privilege: string): boolean {
	return privilegesOn(cluster, caller, path).has(privilege);
}

/** @throws PveError 403 naming the path and the privileges, of which the caller needs one */
export function requireAny(
	cluster: Cluster,
	caller: Caller,
	path: string,
	privileges: string[]
): void {
	const held = privilegesOn(cluster, caller, path);
	if (!privileges.some((privilege) => held.has(privilege))) {
		throw forbidden(path, privileges.join('|'));
	}
}

function same(a: string, b: string): boolean {
	const left = Buffer.from(a);
	const right = Buffer.from(b);
	return left.length === right.length && timingSafeEqual(left, right);
}

export function isRole(role: string): boolean {
	return role in ROLES;
}
