import type Stripe from 'stripe';
import { z } from 'zod';
import { now } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import type { Actor } from '#lib/logs/audit.server.ts';
import { ensureStripePrice, planOnSale, type PlanWithPrices } from '#lib/plans/plans.server.ts';
import { stripeClient } from '#lib/settings/clients.server.ts';
import type {
	Plan,
	PlanPrice,
	Subscription,
	SubscriptionChange
} from '#prisma/generated/client.ts';
import { judgeChange, type Terms, type Verdict } from './changeRules.ts';
import { moment } from './subscriptionWrite.server.ts';

/** What somebody wants of a subscription; what is left out stays as it is. */
export interface Wanted {
	planKey?: string;
	interval?: 'month' | 'year';
	quantity?: number;
}

export interface SubscriptionScope {
	id: string;
	customerId: string;
}

/** The invoice that was shown, in `subscription_changes.lines`. Minor units; times in ISO 8601. */
export const shownInvoice = z.object({
	lines: z.array(
		z.object({
			description: z.string(),
			amount: z.number().int(),
			proration: z.boolean(),
			periodStart: z.string().nullable(),
			periodEnd: z.string().nullable()
		})
	),
	subtotal: z.number().int(),
	/** What coupons take off; absent in what was shown before it was noted. */
	discount: z.number().int().default(0),
	tax: z.number().int(),
	total: z.number().int(),
	/** Credit of the customer that is used up by it: zero or less. */
	balance: z.number().int(),
	/** What one interval costs from then on, before taxes and coupons. */
	recurring: z.number().int(),
	/** What the subscription was when this was shown. */
	before: z.object({
		amount: z.number().int(),
		interval: z.enum(['month', 'year']),
		quantity: z.number().int()
	})
});
export type ShownInvoice = z.infer<typeof shownInvoice>;

export type BilledSubscription = Subscription & { plan: Plan };

/**
 * What a change of plan, interval or quantity would be and cost, kept as a row so that exactly this can be ordered.
 * Asks Stripe, changes nothing.
 * @throws {AppError} NOT_FOUND; NO_CHANGE; PLAN_NOT_FOUND when there is no such price; WRONG_STATE when it has ended;
 * PAY_FIRST while a payment is late; CHANGE_PENDING while another change is on its way or scheduled; RESUME_FIRST when it
 * is about to end
 * @throws {StripeVendorError}
 */
export async function previewChange(
	scope: SubscriptionScope,
	wanted: Wanted,
	by: Actor
): Promise<SubscriptionChange> {
	const subscription = await changeable(scope);
	const target = await targetOf(subscription, wanted);
	const tried = subscription.trialEnd !== null && subscription.trialEnd > now();
	const verdict = judgeChange(termsOf(subscription), target.terms, { tried });
	if (!verdict) throw new AppError('NO_CHANGE');
	return showChange(subscription, { target, verdict }, by);
}

export interface Showing {
	target: Target;
	verdict: Verdict;
	/** From when unused time is counted, where that is not now; never before the running period. */
	since?: Date;
	/** For staff: why, where nobody asked on a page. */
	reason?: string;
}

/** Writes down what a change would be and cost. Asks Stripe, changes nothing. @throws {StripeVendorError} */
export async function showChange(
	subscription: BilledSubscription,
	{ target, verdict, since, reason }: Showing,
	by: Actor
): Promise<SubscriptionChange> {
	const { amount, interval, quantity } = subscription;
	const seen = subscription.stripeSubscriptionId
		? await atStripe(subscription, target, verdict, since ?? now())
		: withoutStripe(target);
	return transaction((tx) =>
		tx.subscriptionChange.create({
			data: {
				customerId: subscription.customerId,
				subscriptionId: subscription.id,
				kind: verdict.kind,
				fromPlanId: subscription.planId,
				toPlanId: target.plan.id,
				toInterval: target.terms.interval,
				toQuantity: target.terms.quantity,
				prorationDate: seen.prorationDate,
				amountDue: seen.amountDue,
				currency: subscription.currency,
				lines: { ...seen.shown, before: { amount, interval, quantity } },
				effectiveAt:
					verdict.when === 'period_end'
						? (subscription.currentPeriodEnd ?? now())
						: seen.prorationDate,
				reason: reason ?? null,
				byId: by.id ?? null,
				byLabel: by.label,
				// By the clock that says when it is too old, which need not be the database's.
				createdAt: now()
			}
		})
	);
}

/** A subscription that may be changed now. @throws {AppError} as `previewChange` */
export async function changeable(scope: SubscriptionScope): Promise<BilledSubscription> {
	const subscription = await db.subscription.findFirst({
		where: { id: scope.id, customerId: scope.customerId },
		include: { plan: true }
	});
	if (!subscription) throw new AppError('NOT_FOUND');
	if (subscription.status === 'past_due' || subscription.status === 'suspended')
		throw new AppError('PAY_FIRST');
	if (subscription.status !== 'active')
		throw new AppError('WRONG_STATE', { params: { from: subscription.status, to: 'active' } });
	if (subscription.cancelAt) throw new AppError('RESUME_FIRST');
	const unfinished = await db.subscriptionChange.findFirst({
		where: { subscriptionId: scope.id, status: { in: ['ordered', 'waiting_payment'] } },
		select: { id: true }
	});
	if (unfinished || subscription.stripeScheduleId) throw new AppError('CHANGE_PENDING');
	return subscription;
}

export function termsOf(subscription: BilledSubscription): Terms {
	const { plan, amount, interval, quantity } = subscription;
	return { planKey: plan.key, amount, interval, quantity };
}

export interface Target {
	plan: Plan;
	price: PlanPrice;
	terms: Terms;
}

/** Who stays in a plan keeps the version, and so the price, that it has; who comes to one gets what is sold now. */
async function targetOf(subscription: BilledSubscription, wanted: Wanted): Promise<Target> {
	const { planKey = subscription.plan.key, interval = subscription.interval } = wanted;
	const own =
		planKey === subscription.plan.key
			? await db.plan.findUniqueOrThrow({
					where: { id: subscription.planId },
					include: { prices: true }
				})
			: null;
	const find = (plan: PlanWithPrices | null) =>
		plan?.prices.find(
			(price) => price.interval === interval && price.currency === subscription.currency
		);
	const kept = find(own);
	const plan = own && kept ? own : await planOnSale(db, planKey);
	if (plan !== own && !plan.purchasable) throw new AppError('PLAN_NOT_PURCHASABLE');
	const price = kept ?? find(plan);
	if (!price) throw new AppError('PLAN_NOT_FOUND');
	const quantity = wanted.quantity ?? subscription.quantity;
	const free = subscription.billingMode === 'free';
	return {
		plan,
		price,
		terms: { planKey: plan.key, amount: free ? 0 : price.amount, interval, quantity }
	};
}

interface Seen {
	prorationDate: Date | null;
	amountDue: number;
	shown: Omit<ShownInvoice, 'before'>;
}

async function atStripe(
	subscription: BilledSubscription,
	target: Target,
	verdict: Verdict,
	since: Date
): Promise<Seen> {
	const price = await ensureStripePrice(target.price.id);
	if (verdict.when === 'period_end') return withoutStripe(target);
	const client = await stripeClient();
	const current = await client.subscriptions.retrieve(subscription.stripeSubscriptionId!);
	const [item] = current.items.data;
	if (!item) throw new AppError('WRONG_STATE', { params: { from: current.status, to: 'active' } });
	const second = Math.floor(since.getTime() / 1000);
	// Stripe's clock decides what is within the period.
	const prorationDate = new Date(
		Math.min(Math.max(second, item.current_period_start), item.current_period_end) * 1000
	);
	const { quantity } = target.terms;
	const invoice = await previewInvoice(current, { item: item.id, price, quantity, prorationDate });
	if (!invoice) return { ...withoutStripe(target), prorationDate };
	return {
		prorationDate,
		amountDue: invoice.amount_due,
		shown: { ...shownOf(invoice), recurring: recurringOf(target.terms) }
	};
}

/** Nothing is due now: it begins with the next period, or is not Stripe's to bill. */
function withoutStripe(target: Target): Seen {
	return {
		prorationDate: null,
		amountDue: 0,
		shown: {
			...{ lines: [], subtotal: 0, discount: 0, tax: 0, total: 0, balance: 0 },
			recurring: recurringOf(target.terms)
		}
	};
}

/**
 * The invoice that a change would make at a second of the running period.
 * @returns null while the subscription is tried: nothing is invoiced, and Stripe would show what comes after the trial
 * @throws {StripeVendorError}
 */
export async function previewInvoice(
	{ id, status }: Pick<Stripe.Subscription, 'id' | 'status'>,
	change: { item: string; price: string; quantity: number; prorationDate: Date }
): Promise<Stripe.Invoice | null> {
	if (status === 'trialing') return null;
	const client = await stripeClient();
	return client.previews.create({
		subscription: id,
		subscription_details: {
			items: [{ id: change.item, price: change.price, quantity: change.quantity }],
			proration_behavior: 'always_invoice',
			proration_date: change.prorationDate.getTime() / 1000
		}
	});
}

function shownOf(invoice: Stripe.Invoice): Omit<ShownInvoice, 'recurring' | 'before'> {
	return {
		lines: invoice.lines.data.map((line) => ({
			description: line.description ?? '',
			amount: line.amount,
			proration: line.parent?.subscription_item_details?.proration ?? false,
			periodStart: moment(line.period.start)?.toISOString() ?? null,
			periodEnd: moment(line.period.end)?.toISOString() ?? null
		})),
		subtotal: invoice.subtotal,
		discount: (invoice.total_discount_amounts ?? []).reduce((sum, { amount }) => sum + amount, 0),
		tax: (invoice.total_taxes ?? []).reduce((sum, { amount }) => sum + amount, 0),
		total: invoice.total,
		balance: Math.min(0, invoice.amount_due - invoice.total)
	};
}

function recurringOf({ amount, quantity }: Terms): number {
	return amount * quantity;
}
