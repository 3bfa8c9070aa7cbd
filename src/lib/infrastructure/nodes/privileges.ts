import { m } from '#i18n/paraglide/messages.js';

/** The answer of `GET /access/permissions`: path → privilege → whether it holds below the path, too. */
export type Permissions = Record<string, Record<string, number>>;

/** Proxmox's own top-level paths, which it always says something of. */
export const PATHS = ['/', '/nodes', '/vms', '/storage', '/sdn'] as const;

export interface Privilege {
	name: string;
	/** Top-level path of Proxmox on which it must be held, for everything below it. */
	path: (typeof PATHS)[number];
	/** What the product needs it for, in the language of the request. */
	why: () => string;
	/** Without it no container can be made. */
	creates?: true;
}

/** The role that the commands below make and grant. */
export const ROLE = 'ERPCore';

/** Everything that the product asks of Proxmox, as privileges; what is not here it never does. */
export const PRIVILEGES: readonly Privilege[] = [
	{ name: 'Sys.Audit', path: '/', why: m.privilege_why_watch_cluster },
	{ name: 'Sys.Console', path: '/', why: m.privilege_why_ha },
	{ name: 'Sys.Audit', path: '/nodes', why: m.privilege_why_watch_node },
	{ name: 'Sys.Console', path: '/nodes', why: m.privilege_why_host_console },
	{ name: 'VM.Audit', path: '/vms', why: m.privilege_why_see, creates: true },
	{ name: 'VM.Allocate', path: '/vms', why: m.privilege_why_create, creates: true },
	{ name: 'VM.Clone', path: '/vms', why: m.privilege_why_clone, creates: true },
	{ name: 'VM.Config.CPU', path: '/vms', why: m.privilege_why_limits, creates: true },
	{ name: 'VM.Config.Memory', path: '/vms', why: m.privilege_why_limits, creates: true },
	{ name: 'VM.Config.Disk', path: '/vms', why: m.privilege_why_limits, creates: true },
	{ name: 'VM.Config.Network', path: '/vms', why: m.privilege_why_network, creates: true },
	{ name: 'VM.Config.Options', path: '/vms', why: m.privilege_why_options, creates: true },
	{ name: 'VM.PowerMgmt', path: '/vms', why: m.privilege_why_power, creates: true },
	{ name: 'VM.Snapshot', path: '/vms', why: m.privilege_why_snapshot },
	{ name: 'VM.Snapshot.Rollback', path: '/vms', why: m.privilege_why_snapshot },
	{ name: 'VM.Backup', path: '/vms', why: m.privilege_why_backup },
	{ name: 'VM.Migrate', path: '/vms', why: m.privilege_why_migrate },
	{ name: 'VM.Console', path: '/vms', why: m.privilege_why_console },
	{ name: 'Datastore.Audit', path: '/storage', why: m.privilege_why_storage_see },
	{
		name: 'Datastore.AllocateSpace',
		path: '/storage',
		why: m.privilege_why_storage_use,
		creates: true
	},
	{ name: 'Datastore.AllocateTemplate', path: '/storage', why: m.privilege_why_storage_templates },
	{ name: 'Datastore.Allocate', path: '/storage', why: m.privilege_why_replicate },
	{ name: 'SDN.Use', path: '/sdn', why: m.privilege_why_bridge, creates: true }
];

export type MissingPrivilege = Pick<Privilege, 'name' | 'path'>;

/**
 * What of `PRIVILEGES` a token lacks. A privilege that does not hold below its path counts as missing, since every
 * container and storage lies below. What Proxmox leaves out of its answer is not held.
 */
export function missingPrivileges(permissions: Permissions): MissingPrivilege[] {
	return PRIVILEGES.filter(({ name, path }) => {
		const held = permissions[path]?.[name];
		return path === '/' ? held === undefined : held !== 1;
	}).map(({ name, path }) => ({ name, path }));
}

/** Whether a token may make containers at all: somewhere below the path is enough, since it may be the one that is used. */
export function mayCreate(permissions: Permissions): boolean {
	const isHeld = (name: string, path: string) =>
		Object.entries(permissions).some(
			([on, held]) => (on === path || on.startsWith(`${path}/`)) && held[name] !== undefined
		);
	return PRIVILEGES.every(({ name, path, creates }) => !creates || isHeld(name, path));
}

/** Why a privilege is needed; null for one that is not in the table any more. */
export function whyNeeded(missing: { name: string; path: string }): string | null {
	const known = PRIVILEGES.find(({ name, path }) => name === missing.name && path === missing.path);
	return known?.why() ?? null;
}

/**
 * The commands that grant what is missing, for a root shell on any node of the cluster. The role gets everything that is
 * needed and not the missing part alone: on a path of its own it replaces what was inherited. User and token are both
 * named, because a token with privilege separation has what both have.
 * @param token `user@realm!id`, without its secret
 */
export function grantCommands(token: string, missing: { path: string }[]): string[] {
	if (missing.length === 0) return [];
	const [user = token] = token.split('!');
	const all = [...new Set(PRIVILEGES.map(({ name }) => name))].join(' ');
	const named = new Set(missing.map(({ path }) => path));
	// With nothing at the root the rest is inherited from there, unless it was granted by itself.
	const paths = named.has('/') && named.size > 1 ? ['/'] : [...named];
	return [
		`pveum role add ${ROLE} --privs "${all}" || pveum role modify ${ROLE} --append 1 --privs "${all}"`,
		...paths.flatMap((path) => [
			`pveum acl modify ${path} --users ${quoted(user)} --roles ${ROLE}`,
			`pveum acl modify ${path} --tokens ${quoted(token)} --roles ${ROLE}`
		])
	];
}

/** For a shell: `!` would be history, and names of users may hold more. */
function quoted(word: string): string {
	return `'${word.replaceAll("'", `'\\''`)}'`;
}
