import type { Tx } from '#lib/core/db.server.ts';

/** What staff may be allowed to do: `area:verb`, each with the sentence of docs/permissions.md. */
export const STAFF_PERMISSIONS = {
	'dashboard:read': 'See the dashboard and its figures',
	'tenants:read': 'See tenants, their steps, log and vendor calls',
	'tenants:create': 'Create a tenant without a checkout',
	'tenants:suspend': 'Suspend a tenant',
	'tenants:reactivate': 'Reactivate a suspended tenant',
	'tenants:delete': 'Delete a tenant, and undo that within seven days',
	'tenants:retry': 'Run a failed set-up again',
	'tenants:refund': 'Give up a set-up and refund it',
	'customers:read': 'See customers',
	'customers:write': 'Create and edit customers',
	'customers:delete': 'Delete a customer',
	'infrastructure:read': 'See nodes and containers',
	'infrastructure:write': 'Add and edit nodes, start and stop containers',
	'infrastructure:console': 'Open a console in a container',
	'provisioning:read': 'See capacity, placement and the waiting queue',
	'domains:read': 'See domains and tunnels',
	'domains:write': 'Change domains and tunnels',
	'backups:read': 'See backups',
	'backups:write': 'Take and restore backups',
	'billing:read': 'See subscriptions, invoices and revenue',
	'billing:refund': 'Refund a payment',
	'billing:approve': 'Say yes or no to what another person asked for above the limit',
	'billing:write': 'Change subscriptions and retry payments',
	'plans:read': 'See plans',
	'plans:write': 'Change plans and prices',
	'settings:read': 'See the settings',
	'settings:write': 'Change the settings',
	'logs:read': 'See the logs',
	'audit:read': 'See the audit log',
	'vendors:retry': 'Send a failed vendor call again',
	'notifications:read': 'See alerts, notifications and mail',
	'notifications:write': 'Acknowledge and silence alerts, change their rules',
	'users:read': 'See staff and members',
	'users:manage': 'Invite, change and disable staff and members',
	'tokens:manage': 'Create and revoke API tokens',
	'profile:manage': 'Change own profile, password and second factor'
} as const;

export type StaffPermission = keyof typeof STAFF_PERMISSIONS;

/** How far a customer permission reaches: what the person made, what was assigned to it, everything of the company. */
export const SCOPES = ['own', 'assigned', 'all'] as const;
export type Scope = (typeof SCOPES)[number];

/** What members of a customer may be allowed to do; `scoped` ones are granted as `area:verb:scope`. */
export const CUSTOMER_PERMISSIONS = {
	'instance:read': { what: 'See the instance, its state and usage', scoped: false },
	'instance:open': { what: 'Open the ERP', scoped: false },
	'instance:secret': { what: "Reveal the ERP's administrator password", scoped: false },
	'instance:manage': { what: 'Change or delete the instance', scoped: false },
	'domains:read': { what: "See the company's own domains", scoped: false },
	'domains:manage': { what: 'Add, change and remove own domains', scoped: false },
	'subscription:read': { what: 'See the subscription', scoped: false },
	'subscription:manage': { what: 'Change, cancel and resume the subscription', scoped: false },
	'invoices:read': { what: 'See and download invoices', scoped: false },
	'invoices:pay': { what: 'Pay open invoices and change the card', scoped: false },
	'company:manage': { what: "Change the company's data and tax id", scoped: false },
	'team:read': { what: 'See the team', scoped: false },
	'team:manage': { what: 'Invite and remove members', scoped: false },
	'tokens:manage': { what: 'Create and revoke API tokens', scoped: true },
	'activity:read': { what: 'See what was done', scoped: true },
	'profile:manage': { what: 'Change profile, password and second factor', scoped: true }
} as const;

export type CustomerPermission = keyof typeof CUSTOMER_PERMISSIONS;
export type CustomerGrant = CustomerPermission | `${CustomerPermission}:${Scope}`;

export const STAFF_ROLES = [
	'administrator',
	'operations',
	'finance',
	'support',
	'auditor'
] as const;
export type StaffRoleKey = (typeof STAFF_ROLES)[number];
export const CUSTOMER_ROLES = ['owner', 'manager', 'member', 'auditor'] as const;
export type CustomerRoleKey = (typeof CUSTOMER_ROLES)[number];

const everyStaffPermission = Object.keys(STAFF_PERMISSIONS).filter(isStaffPermission);
const everythingReadable = everyStaffPermission.filter((name) => name.endsWith(':read'));

export const STAFF_ROLE_PERMISSIONS: Record<StaffRoleKey, readonly StaffPermission[]> = {
	administrator: everyStaffPermission,
	operations: [
		'profile:manage',
		'dashboard:read',
		'tenants:read',
		'tenants:create',
		'tenants:suspend',
		'tenants:reactivate',
		'tenants:delete',
		'tenants:retry',
		'customers:read',
		'infrastructure:read',
		'infrastructure:write',
		'infrastructure:console',
		'provisioning:read',
		'domains:read',
		'domains:write',
		'backups:read',
		'backups:write',
		'plans:read',
		'settings:read',
		'logs:read',
		'vendors:retry',
		'notifications:read',
		'notifications:write'
	],
	finance: [
		'profile:manage',
		'dashboard:read',
		'tenants:read',
		'tenants:suspend',
		'tenants:reactivate',
		'tenants:refund',
		'customers:read',
		'customers:write',
		'billing:read',
		'billing:refund',
		'billing:approve',
		'billing:write',
		'plans:read',
		'plans:write',
		'notifications:read'
	],
	support: [
		'profile:manage',
		'dashboard:read',
		'tenants:read',
		'tenants:retry',
		'customers:read',
		'customers:write',
		'infrastructure:read',
		'provisioning:read',
		'domains:read',
		'backups:read',
		'billing:read',
		'plans:read',
		'logs:read',
		'notifications:read',
		'users:read'
	],
	// Reads everything, changes nothing but its own password.
	auditor: [...everythingReadable, 'profile:manage']
};

export const CUSTOMER_ROLE_GRANTS: Record<CustomerRoleKey, readonly CustomerGrant[]> = {
	owner: [
		'instance:read',
		'instance:open',
		'instance:secret',
		'instance:manage',
		'domains:read',
		'domains:manage',
		'subscription:read',
		'subscription:manage',
		'invoices:read',
		'invoices:pay',
		'company:manage',
		'team:read',
		'team:manage',
		'tokens:manage:all',
		'activity:read:all',
		'profile:manage:own'
	],
	manager: [
		'instance:read',
		'instance:open',
		'domains:read',
		'domains:manage',
		'subscription:read',
		'invoices:read',
		'invoices:pay',
		'company:manage',
		'team:read',
		'team:manage',
		'tokens:manage:own',
		'activity:read:all',
		'profile:manage:own'
	],
	member: [
		'instance:read',
		'instance:open',
		'domains:read',
		'activity:read:own',
		'profile:manage:own'
	],
	auditor: [
		'instance:read',
		'domains:read',
		'subscription:read',
		'invoices:read',
		'team:read',
		'activity:read:all',
		'profile:manage:own'
	]
};

export function isStaffPermission(name: string): name is StaffPermission {
	return Object.hasOwn(STAFF_PERMISSIONS, name);
}

export function isCustomerPermission(name: string): name is CustomerPermission {
	return Object.hasOwn(CUSTOMER_PERMISSIONS, name);
}

/** What a customer role's stored grants allow, and how far; the widest scope of a permission counts. */
export function readGrants(grants: readonly string[]): Map<CustomerPermission, Scope> {
	const allowed = new Map<CustomerPermission, Scope>();
	for (const grant of grants) {
		const [area, verb, given] = grant.split(':');
		const permission = `${area}:${verb}`;
		const scope = SCOPES.find((name) => name === (given ?? 'all'));
		if (!isCustomerPermission(permission) || !scope) continue;
		const known = allowed.get(permission);
		if (!known || SCOPES.indexOf(scope) > SCOPES.indexOf(known)) allowed.set(permission, scope);
	}
	return allowed;
}

/** Upserts the built-in roles, so that a permission added here reaches who should have it at the next migration. */
export async function seedRoles(tx: Tx): Promise<void> {
	const roles = [
		...STAFF_ROLES.map((key) => ({
			kind: 'staff' as const,
			key,
			permissions: [...STAFF_ROLE_PERMISSIONS[key]]
		})),
		...CUSTOMER_ROLES.map((key) => ({
			kind: 'customer' as const,
			key,
			permissions: [...CUSTOMER_ROLE_GRANTS[key]]
		}))
	];
	for (const { kind, key, permissions } of roles) {
		await tx.role.upsert({
			where: { kind_key: { kind, key } },
			create: { kind, key, name: key, permissions, builtIn: true },
			update: { permissions, builtIn: true }
		});
	}
}
