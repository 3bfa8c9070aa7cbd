import type { Tx } from '#lib/core/db.server.ts';
import { plansOnSale } from './plans.server.ts';

/** What visitors see of the plans that are sold now, cheapest first. */
export async function planCards(tx: Tx) {
	const plans = await plansOnSale(tx);
	return plans.map((plan) => {
		const price = plan.prices.find(({ interval }) => interval === 'month') ?? plan.prices[0];
		return {
			key: plan.key,
			name: plan.name,
			isolation: plan.isolation,
			cpuCores: plan.cpuCores,
			ramMb: plan.ramMb,
			diskGb: plan.diskGb,
			backupIntervalHours: plan.backupIntervalHours,
			supportChannel: plan.supportChannel,
			slaBasisPoints: plan.slaBasisPoints,
			purchasable: plan.purchasable,
			highlighted: plan.highlighted,
			price: price
				? { amount: price.amount, currency: price.currency, interval: price.interval }
				: null
		};
	});
}

export type PlanCard = Awaited<ReturnType<typeof planCards>>[number];
