import { db, transaction } from '#lib/core/db.server.ts';
import { wakeSaga } from '#lib/core/saga.server.ts';
import { isOwed } from '../billing/subscriptions.server.ts';
import { SYSTEM } from '../logs/audit.server.ts';
import { createTenantSaga } from './createTenant.server.ts';
import { requestDeletion } from './tenants.server.ts';

/**
 * What a change of a subscription means for its instances. One that is being set up looks by itself before each step;
 * one that waits is woken for it. One that is live goes when its subscription has ended for good: off the air now,
 * deleted after the days of grace. Suspension for money that is late belongs to dunning.
 */
export async function subscriptionChanged(subscriptionId: string): Promise<void> {
	const subscription = await db.subscription.findUnique({ where: { id: subscriptionId } });
	if (!subscription || isOwed(subscription)) return;
	const tenants = await db.tenant.findMany({
		where: {
			subscriptionId,
			customerId: subscription.customerId,
			status: { notIn: ['deleted', 'refunded', 'deleting'] }
		}
	});
	for (const tenant of tenants) {
		await transaction(async (tx) => {
			const waiting = await tx.provisioningJob.findFirst({
				where: {
					subjectId: tenant.id,
					saga: createTenantSaga.name,
					status: { in: ['queued', 'running', 'waiting'] }
				},
				select: { id: true }
			});
			if (waiting) await wakeSaga(tx, waiting.id);
			else if (
				subscription.status === 'cancelled' &&
				['active', 'degraded', 'suspended'].includes(tenant.status)
			) {
				await requestDeletion(tx, tenant, { by: SYSTEM });
			}
		});
	}
}
