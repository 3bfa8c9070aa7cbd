import type { Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { publish } from '#lib/core/live.server.ts';
import type { Prisma, Tenant, TenantStatus } from '#prisma/generated/client.ts';
import { requestHosts } from '../domains/tenantHosts.server.ts';
import { mayBecome } from './tenantStates.ts';

/**
 * Moves a tenant from the state that the caller saw to another.
 * @throws {AppError} WRONG_STATE when the domain has no such transition, CHANGED_MEANWHILE when somebody was faster
 */
export async function transition(
	tx: Tx,
	tenant: Pick<Tenant, 'id' | 'status' | 'customerId'>,
	to: TenantStatus,
	data: Prisma.TenantUncheckedUpdateManyInput = {}
): Promise<void> {
	if (!mayBecome(tenant.status, to))
		throw new AppError('WRONG_STATE', { params: { from: tenant.status, to } });
	const { count } = await tx.tenant.updateMany({
		where: { id: tenant.id, customerId: tenant.customerId, status: tenant.status },
		data: { ...data, status: to, version: { increment: 1 } }
	});
	if (count === 0) throw new AppError('CHANGED_MEANWHILE');
	await announce(tx, tenant);
}

/** Tells whoever looks at the tenant, at its customer or at the lists. */
export async function announce(tx: Tx, tenant: { id: string; customerId: string }): Promise<void> {
	const topics = [`tenant:${tenant.id}`, `customer:${tenant.customerId}`, 'staff:tenants'];
	await publish(tx, topics, tenant.id);
}

/** The public rules of a tenant changed and must be written anew. */
export async function republish(tx: Tx, tenant: Pick<Tenant, 'id' | 'published'>): Promise<void> {
	if (tenant.published) await requestHosts(tx, { tenantId: tenant.id });
}
