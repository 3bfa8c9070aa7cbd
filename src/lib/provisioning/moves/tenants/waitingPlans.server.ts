import type { Tx } from '#lib/core/db.server.ts';
import { isOnItsWay } from '../onItsWay.server.ts';

/** A plan that is paid, and whose limits an instance gets once it has been moved. */
export interface WaitingPlan {
	tenantId: string;
	slug: string;
	subscriptionId: string;
	/** Its name. */
	plan: string;
}

/**
 * Plans of a customer's subscriptions that wait because the instance is being moved. One that means a move is that move, and
 * not among them. Needs the owner's role; the caller has proved whose they are.
 */
export async function waitingPlans(tx: Tx, customerId: string): Promise<WaitingPlan[]> {
	const tenants = await tx.tenant.findMany({
		where: {
			customerId,
			status: { notIn: ['deleted', 'refunded'] },
			subscription: { isNot: null }
		},
		select: {
			...{ id: true, slug: true, status: true, containerId: true, planId: true, isolation: true },
			...{ subscriptionId: true, subscription: { select: { plan: true } } }
		},
		orderBy: { slug: 'asc' }
	});
	const waiting: WaitingPlan[] = [];
	for (const { subscriptionId, subscription, ...tenant } of tenants) {
		if (!subscriptionId || !subscription) continue;
		const { plan } = subscription;
		if (tenant.planId === plan.id || tenant.isolation !== plan.isolation) continue;
		if (!(await isOnItsWay(tx, tenant))) continue;
		waiting.push({ tenantId: tenant.id, slug: tenant.slug, subscriptionId, plan: plan.name });
	}
	return waiting;
}
