import { transaction, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import type { Tenant, TenantStatus } from '#prisma/generated/client.ts';
import { findTenant } from './tenantView.server.ts';

/**
 * Does what a person asked for on a page: once, and only on what the person saw.
 * @param seen version of the tenant on that page, and the states that the act leads to; a second click finds it there
 * @throws {AppError} TENANT_NOT_FOUND; CHANGED_MEANWHILE when somebody else changed it since
 */
export async function tenantAct(
	tenantId: string,
	seen: { version: number; done: readonly TenantStatus[] },
	act: (tx: Tx, tenant: Tenant) => Promise<void>
): Promise<void> {
	await transaction(async (tx) => {
		const tenant = await findTenant(tx, tenantId);
		if (tenant.version === seen.version) return act(tx, tenant);
		// The same button pressed twice, or by two people: what they wanted is so.
		if (seen.done.includes(tenant.status)) return;
		throw new AppError('CHANGED_MEANWHILE');
	});
}
