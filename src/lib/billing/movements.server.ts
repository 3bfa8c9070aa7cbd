import { lock, type Tx } from '#lib/core/db.server.ts';
import type { MovementKind, Subscription } from '#prisma/generated/client.ts';

/**
 * Changes what a subscription is worth a month and notes the difference, so that the sum of all movements is the MRR
 * at any time.
 * @param mrr minor units a month
 * @returns the kind of movement, or null when nothing changed
 */
export async function recordMovement(
	tx: Tx,
	subscription: Pick<Subscription, 'id' | 'customerId' | 'currency'>,
	mrr: number,
	at: Date
): Promise<MovementKind | null> {
	// Two subscriptions of one customer look at each other to tell new from expansion.
	await lock(tx, `billing.mrr:${subscription.customerId}`);
	const { mrr: before } = await tx.subscription.findUniqueOrThrow({
		where: { id: subscription.id },
		select: { mrr: true }
	});
	if (mrr === before) return null;
	const kind = await kindOf(tx, subscription, before, mrr);
	await tx.subscription.update({ where: { id: subscription.id }, data: { mrr } });
	await tx.mrrMovement.create({
		data: {
			customerId: subscription.customerId,
			subscriptionId: subscription.id,
			kind,
			amount: mrr - before,
			currency: subscription.currency,
			at
		}
	});
	return kind;
}

async function kindOf(
	tx: Tx,
	{ id, customerId }: Pick<Subscription, 'id' | 'customerId'>,
	before: number,
	mrr: number
): Promise<MovementKind> {
	if (mrr === 0) return 'churn';
	if (before > 0) return mrr > before ? 'expansion' : 'contraction';
	const another = await tx.subscription.findFirst({
		where: { customerId, id: { not: id }, mrr: { gt: 0 } },
		select: { id: true }
	});
	if (another) return 'expansion';
	const earlier = await tx.mrrMovement.findFirst({ where: { customerId }, select: { id: true } });
	return earlier ? 'reactivation' : 'new';
}
