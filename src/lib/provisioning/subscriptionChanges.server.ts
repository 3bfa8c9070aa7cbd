import { now } from '#lib/core/clock.server.ts';
import { db, transaction, type Tx } from '#lib/core/db.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import { wakeSaga } from '#lib/core/saga.server.ts';
import type { Subscription, Tenant, TenantStatus } from '#prisma/generated/client.ts';
import { isReadOnlyForUnpaid } from '../billing/dunningCases.server.ts';
import { isOwed } from '../billing/subscriptions.server.ts';
import { SYSTEM } from '../logs/audit.server.ts';
import { createTenantSaga } from './createTenant.server.ts';
import { setReadOnly } from './readOnly.server.ts';
import { reactivate, requestDeletion, suspend } from './tenants.server.ts';
import { isSuspended } from './tenantStates.ts';

/** States in which an instance serves people, or would. */
const LIVE: readonly TenantStatus[] = ['active', 'degraded', 'suspended', 'migrating'];

/**
 * What a change of a subscription means for its instances, each by itself. One that is being set up looks before each
 * step; one that waits is woken for it. One that is live goes off the air when its subscription is suspended for unpaid
 * money, never before what is paid ends; comes back when it is paid, if that is what took it off; and is deleted after
 * the days of grace when its subscription has ended for good. Runs any number of times.
 */
export async function subscriptionChanged(subscriptionId: string): Promise<void> {
	const found = await db.subscription.findUnique({
		where: { id: subscriptionId },
		select: { customerId: true }
	});
	if (!found) return;
	const tenants = await db.tenant.findMany({
		where: {
			subscriptionId,
			customerId: found.customerId,
			status: { notIn: ['deleted', 'refunded', 'deleting'] }
		},
		select: { id: true }
	});
	for (const { id } of tenants)
		await transaction(async (tx) => {
			// What was read before the lock may be old: another change may be at work on the same instance.
			await tx.$queryRaw`SELECT id FROM tenant_deployments WHERE id = ${id}::uuid FOR UPDATE`;
			const tenant = await tx.tenant.findUniqueOrThrow({ where: { id } });
			const subscription = await tx.subscription.findUniqueOrThrow({
				where: { id: subscriptionId }
			});
			await follow(tx, tenant, subscription);
		});
}

async function follow(tx: Tx, tenant: Tenant, subscription: Subscription): Promise<void> {
	if (!LIVE.includes(tenant.status)) {
		if (!isOwed(subscription)) await wakeSetUp(tx, tenant);
		return;
	}
	const act = { by: SYSTEM };
	if (subscription.status === 'cancelled') {
		if (tenant.status !== 'migrating') await requestDeletion(tx, tenant, act);
		return;
	}
	const on = await isReadOnlyForUnpaid(tx, subscription.id);
	await setReadOnly(tx, tenant, { on, reason: 'unpaid', ...act });
	if (subscription.status === 'suspended' && !isSuspended(tenant)) {
		const { paidThrough } = subscription;
		if (paidThrough && paidThrough > now()) return lookAgain(tx, subscription.id, paidThrough);
		await suspend(tx, tenant, { reason: 'unpaid', ...act });
		return;
	}
	// Never one that was suspended for abuse or because somebody asked.
	const ours = isSuspended(tenant) && tenant.suspensionReason === 'unpaid';
	if (ours && isOwed(subscription)) await reactivate(tx, tenant, act);
}

async function wakeSetUp(tx: Tx, tenant: Tenant): Promise<void> {
	const waiting = await tx.provisioningJob.findFirst({
		where: {
			subjectId: tenant.id,
			saga: createTenantSaga.name,
			status: { in: ['queued', 'running', 'waiting'] }
		},
		select: { id: true }
	});
	if (waiting) await wakeSaga(tx, waiting.id);
}

/** Stripe may call a subscription unpaid while an older payment still covers it. */
async function lookAgain(tx: Tx, subscriptionId: string, startAfter: Date): Promise<void> {
	await enqueue(tx, 'provisioning.subscription-changed', { subscriptionId }, { startAfter });
}
