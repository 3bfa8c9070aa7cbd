import type { Tx } from '#lib/core/db.server.ts';

/** Whether a change to a plan is on its way, or in force: a bank may have a day to ask its customer. */
export async function isBeingPaid(
	tx: Tx,
	{ subscriptionId }: { subscriptionId: string | null },
	planId: string | null
): Promise<boolean> {
	if (!subscriptionId || !planId) return false;
	const subscription = await tx.subscription.findUnique({
		where: { id: subscriptionId },
		select: { planId: true }
	});
	if (subscription?.planId === planId) return true;
	const change = await tx.subscriptionChange.findFirst({
		where: {
			...{ subscriptionId, toPlanId: planId },
			status: { in: ['ordered', 'waiting_payment'] }
		},
		select: { id: true }
	});
	return change !== null;
}
