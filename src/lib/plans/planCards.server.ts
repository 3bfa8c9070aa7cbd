import type { Tx } from '#lib/core/db.server.ts';
import { env } from '#lib/core/env.server.ts';
import { setting } from '#lib/settings/settings.server.ts';
import { inCurrency, plansOnSale } from './plans.server.ts';

/** What visitors see of the plans that are sold now, cheapest first. */
export async function planCards(tx: Tx) {
	const plans = await plansOnSale(tx);
	const currency = await setting('billing.currency');
	const bases = await tx.baseDomain.findMany({
		select: { id: true, name: true, isDefault: true }
	});
	const usual = bases.find(({ isDefault }) => isDefault)?.name ?? env.BASE_DOMAIN;
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
			/** Under which its new instances get their name. */
			baseDomain: bases.find(({ id }) => id === plan.baseDomainId)?.name ?? usual,
			price: price
				? { amount: price.amount, currency: price.currency, interval: price.interval }
				: null
		};
	});
}

export type PlanCard = Awaited<ReturnType<typeof planCards>>[number];

/** The plan that a visitor gets who has not chosen one yet: the highlighted one that can be bought. */
export function likelyPlan(cards: PlanCard[]): PlanCard | undefined {
	return cards.find(({ highlighted, purchasable }) => highlighted && purchasable);
}

/** The domain that a visitor's name will stand under before a plan is chosen. */
export function likelyBaseDomain(cards: PlanCard[]): string {
	return (likelyPlan(cards) ?? cards[0])?.baseDomain ?? env.BASE_DOMAIN;
}
