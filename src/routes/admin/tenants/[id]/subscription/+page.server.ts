import { subscriptionPage } from '#lib/billing/subscriptionPage.server.ts';
import { db } from '#lib/core/db.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { planMigrations } from '#lib/provisioning/moves/tenants/planMoveView.server.ts';
import { waitingPlans } from '#lib/provisioning/moves/tenants/waitingPlans.server.ts';
import { findTenant } from '#lib/provisioning/tenantView.server.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	requireStaff(event, 'billing:read');
	const { id, customerId, subscriptionId } = await findTenant(db, event.params.id);
	return {
		migrations: (await planMigrations(db, customerId)).filter(
			({ migration }) => migration.tenantId === id
		),
		waiting: (await waitingPlans(db, customerId)).filter(({ tenantId }) => tenantId === id),
		billing: subscriptionId && (await subscriptionPage(db, { id: subscriptionId, customerId })),
		// A refund is ordered for a signup, whatever became of its subscription.
		orders: await db.refundOrder.findMany({
			where: { customerId },
			orderBy: { createdAt: 'desc' },
			take: 20,
			select: { id: true, status: true, purpose: true, reason: true, error: true, createdAt: true }
		})
	};
};
