import { db } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { comparePlan, repairPlan } from '#lib/plans/drift.server.ts';
import { defineRepair, type Found } from '../logs/drifts.server.ts';
import type { Comparison } from './reconcile.server.ts';

/** Products and prices of the plans on sale that Stripe has otherwise than we. */
export const comparePrices: Comparison = async (tell) => {
	const plans = await db.plan.findMany({
		where: { replacedAt: null, purchasable: true },
		orderBy: { position: 'asc' },
		select: { id: true, key: true, version: true }
	});
	const found: Found[] = [];
	for (const { id, key, version } of plans) {
		const differences = await comparePlan(id);
		if (differences.length === 0) continue;
		found.push({
			kind: 'billing.plan-differs',
			subjectType: 'plan',
			subjectId: id,
			ours: { plan: key, version },
			theirs: Object.fromEntries(
				differences.map((difference, index) => [String(index + 1), JSON.stringify(difference)])
			),
			cause: 'changed-at-stripe'
		});
	}
	await tell(found);
	return plans.length;
};

defineRepair('billing.plan-differs', async ({ subjectId }) => {
	const left = await repairPlan(subjectId);
	if (left.length > 0) throw new AppError('BY_HAND', { detail: `${left.length} are left` });
	return 'done';
});
