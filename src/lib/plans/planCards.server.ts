import type { Tx } from '#lib/core/db.server.ts';
import { setting } from '#lib/settings/settings.server.ts';
import { inCurrency, plansOnSale } from './plans.server.ts';

/** What visitors see of the plans that are sold now, cheapest first. */
export async function planCards(tx: Tx) {
	const plans = await plansOnSale(tx);
	const currency = await setting('billing.currency');
	return plans.map((plan) => {
		const monthly = plan.prices.filter(({ interval }) => interval === 'month');
		const price = inCurrency(monthly.length > 0 ? monthly : plan.prices, currency);
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
