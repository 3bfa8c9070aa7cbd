import type { Tx } from '#lib/core/db.server.ts';
import type { Money } from '#lib/core/money.ts';
import type { MovementKind } from '#prisma/generated/client.ts';

/** What all subscriptions are worth a month now, one sum for each currency. */
export async function mrr(tx: Tx): Promise<Money[]> {
	const sums = await tx.subscription.groupBy({
		by: ['currency'],
		where: { mrr: { gt: 0 } },
		_sum: { mrr: true },
		orderBy: { currency: 'asc' }
	});
	return sums.map(({ currency, _sum }) => ({ currency, amount: _sum.mrr ?? 0 }));
}

/** What they were worth at a moment, from the movements up to it. */
export async function mrrAt(tx: Tx, at: Date, currency: string): Promise<number> {
	const { _sum } = await tx.mrrMovement.aggregate({
		where: { currency, at: { lt: at } },
		_sum: { amount: true }
	});
	return _sum.amount ?? 0;
}

/**
 * How it moved from one moment (included) to another (not included), by kind; losses are negative.
 * `mrrAt(to) = mrrAt(from) + the sum of these`.
 */
export async function movementsBetween(
	tx: Tx,
	from: Date,
	to: Date,
	currency: string
): Promise<Record<MovementKind, number>> {
	const sums = await tx.mrrMovement.groupBy({
		by: ['kind'],
		where: { currency, at: { gte: from, lt: to } },
		_sum: { amount: true }
	});
	const moved = { new: 0, expansion: 0, contraction: 0, churn: 0, reactivation: 0 };
	for (const { kind, _sum } of sums) moved[kind] = _sum.amount ?? 0;
	return moved;
}

/**
 * Share of the MRR at `from` that was lost to cancelled and suspended subscriptions until `to`, 0 to 1.
 * @returns null when there was none to lose
 */
export async function churnRate(
	tx: Tx,
	from: Date,
	to: Date,
	currency: string
): Promise<number | null> {
	const start = await mrrAt(tx, from, currency);
	if (start === 0) return null;
	const { churn } = await movementsBetween(tx, from, to, currency);
	return -churn / start;
}

/** Subscriptions by status, for figures that lead to lists. */
export async function subscriptionCounts(tx: Tx): Promise<Record<string, number>> {
	const counts = await tx.subscription.groupBy({ by: ['status'], _count: true });
	return Object.fromEntries(counts.map(({ status, _count }) => [status, _count]));
}
