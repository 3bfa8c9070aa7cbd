import { AppError } from '#lib/core/errors.ts';
import type { CustomDomainStatus } from '#prisma/generated/enums.ts';

/**
 * - `pending`: waits for the customer's DNS
 * - `verifying`: it is being looked at, or our own side is being made ready
 * - `active`: its tenant answers under it
 * - `error`: something has to be changed by a person
 * - `inactive`: switched off by hand
 */
const NEXT: Record<CustomDomainStatus, readonly CustomDomainStatus[]> = {
	pending: ['verifying', 'removed'],
	verifying: ['active', 'pending', 'error', 'removed'],
	active: ['error', 'inactive', 'removed'],
	error: ['verifying', 'removed'],
	inactive: ['active', 'removed'],
	removed: []
};

export function mayBecome(from: CustomDomainStatus, to: CustomDomainStatus): boolean {
	return NEXT[from].includes(to);
}

/** @throws {AppError} WRONG_STATE */
export function checkTransition(from: CustomDomainStatus, to: CustomDomainStatus): void {
	if (!mayBecome(from, to)) throw new AppError('WRONG_STATE', { params: { from, to } });
}

/** The way from one state to another, over `verifying` where there is no direct one; null when there is none at all. */
export function wayTo(
	from: CustomDomainStatus,
	to: CustomDomainStatus
): CustomDomainStatus[] | null {
	if (from === to) return [];
	if (mayBecome(from, to)) return [to];
	return mayBecome(from, 'verifying') && mayBecome('verifying', to) ? ['verifying', to] : null;
}
