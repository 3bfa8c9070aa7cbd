import { after, HOUR, now } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import { defineRepair, type Found } from '../logs/drifts.server.ts';
import type { Comparison } from './reconcile.server.ts';

/** A set-up begins within minutes of the payment; after this long, none is a finding. */
const SOON = HOUR;
const MOST = 500;

interface Row {
	id: string;
	customer_id: string;
	status: string;
	detail: string | null;
}

/** Every paid subscription has a tenant or a refund; every live tenant is paid, in grace, or free on purpose. */
export const promisesKept: Comparison = async (tell) => {
	const undelivered = await db.$queryRaw<Row[]>`
		SELECT subscription.id, subscription.customer_id, subscription.status::text AS status,
			subscription.stripe_subscription_id AS detail
		FROM subscriptions subscription
		WHERE subscription.status IN ('active', 'past_due') AND subscription.created_at < ${after(now(), -SOON)}
			AND NOT EXISTS (SELECT 1 FROM tenant_deployments tenant
				WHERE tenant.subscription_id = subscription.id AND tenant.status NOT IN ('deleted', 'refunded'))
			AND NOT EXISTS (SELECT 1 FROM refund_orders refund
				WHERE refund.stripe_subscription_id = subscription.stripe_subscription_id)
		ORDER BY subscription.created_at LIMIT ${MOST}`;
	await tell(
		undelivered.map((row): Found => ({
			kind: 'billing.paid-without-tenant',
			subjectType: 'subscription',
			subjectId: row.id,
			customerId: row.customer_id,
			ours: { status: row.status, stripe_subscription_id: row.detail },
			cause: 'not-delivered'
		}))
	);
	const unpaid = await db.$queryRaw<Row[]>`
		SELECT tenant.id, tenant.customer_id, tenant.status::text AS status, subscription.status::text AS detail
		FROM tenant_deployments tenant LEFT JOIN subscriptions subscription ON subscription.id = tenant.subscription_id
		WHERE tenant.status IN ('active', 'degraded', 'suspended', 'migrating')
			AND (subscription.id IS NULL OR subscription.status IN ('pending', 'cancelled'))
		ORDER BY tenant.created_at LIMIT ${MOST}`;
	await tell(
		unpaid.map((row): Found => ({
			kind: 'billing.tenant-unpaid',
			subjectType: 'tenant',
			subjectId: row.id,
			customerId: row.customer_id,
			ours: { status: row.status, subscription: row.detail },
			cause: row.detail === 'cancelled' ? 'not-ended' : 'nobody-pays'
		}))
	);
	return undelivered.length + unpaid.length;
};

/** An instance whose subscription has ended goes as it should have; one that nobody ever paid is for people. */
defineRepair('billing.tenant-unpaid', async ({ subjectId }) => {
	const tenant = await db.tenant.findUniqueOrThrow({
		where: { id: subjectId },
		select: { subscription: { select: { id: true, status: true } } }
	});
	const { subscription } = tenant;
	if (subscription?.status !== 'cancelled')
		throw new AppError('BY_HAND', { detail: 'it has no subscription that has ended' });
	await transaction((tx) =>
		enqueue(tx, 'provisioning.subscription-changed', { subscriptionId: subscription.id })
	);
	return 'asked';
});
