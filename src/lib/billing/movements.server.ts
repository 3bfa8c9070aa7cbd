import { lock, type Tx } from '#lib/core/db.server.ts';
import { noteFirstPaid } from '#lib/customers/customers.server.ts';
import type { MovementKind, Subscription } from '#prisma/generated/client.ts';

/**
 * Changes what a subscription is worth a month and notes the difference, so that the sum of all movements is the MRR
 * at any time, and the sum of their `customers` how many are worth something. Each currency is a book of its own: who
 * pays in a second one is new there.
 * @param mrr minor units a month
 * @param options.inForce it goes on: what is free for a while is a contraction, because nobody left
 * @returns the kind of movement, or null when nothing changed
 */
export async function recordMovement(
	tx: Tx,
	subscription: Pick<Subscription, 'id' | 'customerId' | 'currency'>,
	mrr: number,
	at: Date,
	options: { inForce?: boolean } = {}
): Promise<MovementKind | null> {
	const { id, customerId, currency } = subscription;
	// Two subscriptions of one customer look at each other to tell new from expansion.
	await lock(tx, `billing.mrr:${customerId}`);
	const { mrr: before, plan } = await tx.subscription.findUniqueOrThrow({
		where: { id },
		select: { mrr: true, plan: { select: { key: true } } }
	});
	if (mrr === before) return null;
	const another = await tx.subscription.findFirst({
		where: { customerId, currency, id: { not: id }, mrr: { gt: 0 } },
		select: { id: true }
	});
	const known = await tx.mrrMovement.findFirst({
		where: { customerId, currency },
		select: { id: true }
	});
	const kind =
		mrr === 0 && options.inForce
			? 'contraction'
			: kindOf(before, mrr, another !== null, known !== null);
	await tx.subscription.update({ where: { id }, data: { mrr } });
	await tx.mrrMovement.create({
		data: {
			customerId,
			subscriptionId: id,
			kind,
			amount: mrr - before,
			currency,
			planKey: plan.key,
			customers: another ? 0 : Number(mrr > 0) - Number(before > 0),
			at
		}
	});
	await noteFirstPaid(tx, customerId, at);
	return kind;
}

function kindOf(before: number, mrr: number, another: boolean, known: boolean): MovementKind {
	if (mrr === 0) return 'churn';
	if (before > 0) return mrr > before ? 'expansion' : 'contraction';
	if (another) return 'expansion';
	return known ? 'reactivation' : 'new';
}
