export const CUSTOMER_STATUSES = ['pending', 'active', 'inactive', 'deleted'] as const;
export type CustomerStatus = (typeof CUSTOMER_STATUSES)[number];

/** From each status the ones that may follow. Inactive means without a live subscription. */
const NEXT: Record<CustomerStatus, readonly CustomerStatus[]> = {
	// One that never had a subscription has nothing that would have to end first.
	pending: ['active', 'deleted'],
	active: ['inactive'],
	inactive: ['active', 'deleted'],
	deleted: []
};

export function mayBecome(from: CustomerStatus, to: CustomerStatus): boolean {
	return NEXT[from].includes(to);
}
