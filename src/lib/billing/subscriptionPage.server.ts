import type { Tx } from '#lib/core/db.server.ts';

const SHOWN = 50;

/**
 * A subscription as staff see it: where it stands, what was invoiced, tried and given back, newest first.
 * @returns null when there is none
 */
export async function subscriptionPage(tx: Tx, where: { id: string; customerId: string }) {
	const subscription = await tx.subscription.findFirst({
		where,
		include: { plan: { select: { name: true } } }
	});
	if (!subscription) return null;
	const invoices = await tx.invoice.findMany({
		where: { subscriptionId: where.id, customerId: where.customerId },
		orderBy: { createdAt: 'desc' },
		take: SHOWN,
		include: {
			attempts: { orderBy: { at: 'desc' } },
			refunds: { orderBy: { createdAt: 'desc' } }
		}
	});
	const movements = await tx.mrrMovement.findMany({
		where: { subscriptionId: where.id, customerId: where.customerId },
		orderBy: { at: 'desc' },
		take: SHOWN
	});
	return { subscription, invoices, movements };
}

export type SubscriptionPage = NonNullable<Awaited<ReturnType<typeof subscriptionPage>>>;
