import { db } from '#lib/core/db.server.ts';
import type { Actor } from '#lib/logs/audit.server.ts';
import type { SubscriptionChange } from '#prisma/generated/client.ts';
import { changeable, showChange, shownInvoice, termsOf } from './changePreview.server.ts';
import { judgeChange } from './changeRules.ts';
import { orderChange } from './changes.server.ts';

/** How a change back is found again, in `subscription_changes.reason`. */
const markOf = (changeId: string) => `back:${changeId}`;

/**
 * Takes a change that is in force back, at once, because what was paid for it could not be delivered: the plan, its
 * version, interval and users are what they were. Unused time is counted from the second at which the change began, so
 * that the whole of what it cost comes back as credit; what is older than the running period was used up by it.
 * May run any number of times: it is done once.
 * @returns the change back as `orderChange` does; null when the subscription is no longer what the change made of it
 * @throws {AppError} as `changeable` and `orderChange`
 * @throws {StripeVendorError} when Stripe does not answer
 */
export async function changeBack(changeId: string, by: Actor): Promise<SubscriptionChange | null> {
	const change = await db.subscriptionChange.findUniqueOrThrow({ where: { id: changeId } });
	const { customerId, subscriptionId } = change;
	const reason = markOf(change.id);
	const begun = await db.subscriptionChange.findFirst({
		where: { subscriptionId, reason, status: { notIn: ['previewed', 'refused'] } }
	});
	if (begun) return orderChange({ changeId: begun.id, customerId }, by);
	if (change.status !== 'applied') return null;
	const subscription = await changeable({ id: subscriptionId, customerId });
	const isAsMade =
		subscription.planId === change.toPlanId &&
		subscription.interval === change.toInterval &&
		subscription.quantity === change.toQuantity;
	if (!isAsMade) return null;
	const { before } = shownInvoice.parse(change.lines);
	const { interval, quantity, amount } = before;
	const plan = await db.plan.findUniqueOrThrow({ where: { id: change.fromPlanId } });
	const price = await db.planPrice.findUniqueOrThrow({
		where: { planId_interval_currency: { planId: plan.id, interval, currency: change.currency } }
	});
	const terms = { planKey: plan.key, amount, interval, quantity };
	const judged = judgeChange(termsOf(subscription), terms, { tried: true });
	if (!judged) return null;
	const since = change.prorationDate ?? undefined;
	const shown = await showChange(
		subscription,
		{ target: { plan, price, terms }, verdict: judged, since, reason },
		by
	);
	return orderChange({ changeId: shown.id, customerId }, by);
}
