import type { TenantStatus } from '#prisma/generated/enums.ts';

/** From where to where a tenant may go; what is not listed is an error. */
export const TENANT_TRANSITIONS: Record<TenantStatus, readonly TenantStatus[]> = {
	// One that nobody paid goes at once: there is nothing to take down and nothing to come back to.
	requested: ['waiting_capacity', 'provisioning', 'enrolling', 'deleted'],
	waiting_capacity: ['provisioning', 'refunded', 'deleting'],
	enrolling: ['active', 'deleting'],
	provisioning: ['active', 'waiting_capacity', 'failed'],
	failed: ['provisioning', 'refunded', 'deleting'],
	active: ['degraded', 'suspended', 'migrating', 'deleting'],
	degraded: ['active', 'suspended', 'migrating', 'deleting'],
	suspended: ['active', 'migrating', 'deleting'],
	migrating: ['active', 'degraded', 'suspended'],
	// Undone within its days of grace it goes back to where it was.
	deleting: ['deleted', 'active', 'degraded', 'suspended'],
	refunded: [],
	deleted: []
};

export function mayBecome(from: TenantStatus, to: TenantStatus): boolean {
	return TENANT_TRANSITIONS[from].includes(to);
}

/** Whether a tenant is suspended, or comes back suspended from its move. */
export function isSuspended(tenant: {
	status: TenantStatus;
	previousStatus: TenantStatus | null;
}): boolean {
	const { status, previousStatus } = tenant;
	return status === 'suspended' || (status === 'migrating' && previousStatus === 'suspended');
}

/** States in which a tenant takes up room, holds its name and may be reached or become reachable. */
export const LIVE_STATUSES = [
	'requested',
	'waiting_capacity',
	'enrolling',
	'provisioning',
	'failed',
	'active',
	'degraded',
	'suspended',
	'migrating',
	'deleting'
] as const satisfies readonly TenantStatus[];
