import { now } from '#lib/core/clock.server.ts';
import type { Tx } from '#lib/core/db.server.ts';
import type { Prisma } from '#prisma/generated/client.ts';
import { plansOnSale, type PlanWithPrices } from '#lib/plans/plans.server.ts';

/** All that people see of a subscription: its terms, what comes next, what it is charged to. */
export const subscriptionDetail = {
	id: true,
	customerId: true,
	planId: true,
	billingMode: true,
	billingReason: true,
	stripeSubscriptionId: true,
	stripeStatus: true,
	stripePaymentMethodId: true,
	stripeScheduleId: true,
	status: true,
	currency: true,
	amount: true,
	interval: true,
	quantity: true,
	mrr: true,
	currentPeriodStart: true,
	currentPeriodEnd: true,
	paidThrough: true,
	trialEnd: true,
	cancelAt: true,
	cancelledAt: true,
	disputedAt: true,
	pastDueSince: true,
	scheduledPlanId: true,
	scheduledQuantity: true,
	scheduledAt: true,
	createdAt: true,
	plan: { select: { key: true, name: true, version: true } },
	customer: { select: { companyName: true } },
	discounts: { orderBy: { startsAt: 'asc' } },
	changes: {
		where: { status: { not: 'previewed' } },
		orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
		take: 10
	}
} satisfies Prisma.SubscriptionSelect;

export type SubscriptionDetail = Prisma.SubscriptionGetPayload<{
	select: typeof subscriptionDetail;
}>;

export interface CardView {
	brand: string | null;
	last4: string | null;
	expMonth: number | null;
	expYear: number | null;
}

/** What a subscription becomes with the next period. */
export interface ScheduledView {
	changeId: string | null;
	planName: string;
	quantity: number;
	at: Date;
}

export type SubscriptionWithNext = SubscriptionDetail & {
	/** Whatever Stripe charges for it; null when nothing is saved, or it is not Stripe's to charge. */
	card: CardView | null;
	scheduled: ScheduledView | null;
};

/** A customer's subscriptions, newest first. @param id of one of them alone */
export function subscriptionsOf(
	tx: Tx,
	customerId: string,
	id?: string
): Promise<SubscriptionWithNext[]> {
	return subscriptionsWhere(tx, { customerId, ...(id && { id }) }, 20);
}

/** Any subscriptions, newest first. @param take at most so many */
export async function subscriptionsWhere(
	tx: Tx,
	where: Prisma.SubscriptionWhereInput,
	take: number
): Promise<SubscriptionWithNext[]> {
	const rows = await tx.subscription.findMany({
		where,
		orderBy: { createdAt: 'desc' },
		take,
		select: subscriptionDetail
	});
	const cards = await tx.paymentMethod.findMany({
		where: { customerId: { in: rows.map(({ customerId }) => customerId) } }
	});
	const plans = await tx.plan.findMany({
		where: { id: { in: rows.flatMap(({ scheduledPlanId }) => scheduledPlanId ?? []) } },
		select: { id: true, name: true }
	});
	const at = now();
	return rows.map((row) => ({
		...row,
		// Stripe says nothing on the day on which one ends.
		discounts: row.discounts.filter(({ endsAt }) => !endsAt || endsAt > at),
		card:
			cards.find((card) => card.stripePaymentMethodId === row.stripePaymentMethodId) ??
			cards.find((card) => card.isDefault && card.customerId === row.customerId) ??
			null,
		scheduled: scheduledOf(row, plans)
	}));
}

function scheduledOf(
	row: SubscriptionDetail,
	plans: { id: string; name: string }[]
): ScheduledView | null {
	if (!row.scheduledAt) return null;
	const change = row.changes.find(({ status }) => status === 'scheduled');
	const plan = plans.find(({ id }) => id === row.scheduledPlanId);
	return {
		changeId: change?.id ?? null,
		planName: plan?.name ?? row.plan.name,
		quantity: row.scheduledQuantity ?? 1,
		at: row.scheduledAt
	};
}

/** A plan that a subscription could have. Prices in minor units of the subscription's currency. */
export interface PlanChoice {
	key: string;
	name: string;
	current: boolean;
	/** The instance would have to move for it. */
	isMove: boolean;
	facts: Pick<
		PlanWithPrices,
		| 'isolation'
		| 'cpuCores'
		| 'ramMb'
		| 'diskGb'
		| 'backupIntervalHours'
		| 'supportChannel'
		| 'slaBasisPoints'
	>;
	month: number | null;
	year: number | null;
}

/** The plans that a subscription may change to; its own stands there with the prices that it pays. */
export async function planChoices(
	tx: Tx,
	subscription: Pick<SubscriptionDetail, 'planId' | 'currency' | 'plan'>
): Promise<PlanChoice[]> {
	const { plan } = subscription;
	const own = await tx.plan.findUniqueOrThrow({
		where: { id: subscription.planId },
		include: { prices: true }
	});
	const others = (await plansOnSale(tx)).filter(
		(other) => other.key !== plan.key && other.purchasable
	);
	return [own, ...others]
		.toSorted((a, b) => a.position - b.position)
		.map((choice) => {
			const price = (interval: 'month' | 'year') =>
				choice.prices.find(
					(one) => one.interval === interval && one.currency === subscription.currency
				)?.amount ?? null;
			const { isolation, cpuCores, ramMb, diskGb, backupIntervalHours } = choice;
			const { supportChannel, slaBasisPoints } = choice;
			return {
				key: choice.key,
				name: choice.name,
				current: choice.id === own.id,
				isMove: isolation !== own.isolation,
				facts: {
					...{ isolation, cpuCores, ramMb, diskGb, backupIntervalHours },
					...{ supportChannel, slaBasisPoints }
				},
				month: price('month'),
				year: price('year')
			};
		})
		.filter(({ month, year, current }) => current || month !== null || year !== null);
}
