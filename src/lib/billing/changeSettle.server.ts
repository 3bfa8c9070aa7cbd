import { now } from '#lib/core/clock.server.ts';
import { db, transaction, type Tx } from '#lib/core/db.server.ts';
import { publish } from '#lib/core/live.server.ts';
import { perMonth } from '#lib/core/money.ts';
import { StripeVendorError } from '#lib/integrations/stripe/errors.ts';
import { audit, SYSTEM } from '#lib/logs/audit.server.ts';
import { openAlert } from '#lib/notifications/alerts.server.ts';
import { ensureStripePrice } from '#lib/plans/plans.server.ts';
import { stripeClient } from '#lib/settings/clients.server.ts';
import type { Subscription, SubscriptionChange } from '#prisma/generated/client.ts';
import { cancelAtEnd, discount, freeUntil, resume } from './changeActs.server.ts';
import { changeLater, lookAtSchedule, releaseSchedule } from './changeLater.server.ts';
import { changeNow, lookAtPayment, refused } from './changeNow.server.ts';
import type { BilledChange, Outcome } from './changeTypes.ts';
import { mirrorInvoice } from './invoices.server.ts';
import { cancelAtStripe, cancelSubscription, mirrorSubscription } from './subscriptions.server.ts';
import { afterChange, tellInstances } from './subscriptionWrite.server.ts';

type Ordered = SubscriptionChange & { subscription: Subscription };

/** From these a change may still become something else. */
const UNFINISHED = ['ordered', 'waiting_payment', 'scheduled'];

/**
 * Takes a change as far as it goes: looks what Stripe has, does what is missing, reads it back. Any number of times, also
 * side by side.
 * @throws {StripeVendorError} when Stripe does not answer; what it refuses is the change's outcome
 */
export async function settleChange(changeId: string): Promise<SubscriptionChange> {
	const change = await db.subscriptionChange.findUniqueOrThrow({
		where: { id: changeId },
		include: { subscription: true }
	});
	if (!UNFINISHED.includes(change.status)) return change;
	const outcome = await outcomeOf(change);
	const { stripeSubscriptionId } = change.subscription;
	// What people see next is what Stripe says now.
	if (stripeSubscriptionId) await mirrorSubscription(stripeSubscriptionId);
	if (outcome.stripeInvoiceId) await mirrorInvoice(outcome.stripeInvoiceId);
	return transaction((tx) => write(tx, change, outcome));
}

async function outcomeOf(change: Ordered): Promise<Outcome> {
	const { stripeSubscriptionId } = change.subscription;
	try {
		return stripeSubscriptionId
			? await atStripe(change, stripeSubscriptionId)
			: await withoutStripe(change);
	} catch (error) {
		if (!(error instanceof StripeVendorError)) throw error;
		const { kind, declineCode } = error;
		if (kind === 'declined') return refused('PAYMENT_DECLINED', { declineCode });
		if (kind === 'refused' || kind === 'missing') return refused('VENDOR_FAILED');
		throw error;
	}
}

async function atStripe(change: Ordered, subscription: string): Promise<Outcome> {
	const client = await stripeClient({
		subjectId: change.subscriptionId,
		customerId: change.customerId
	});
	const billed: BilledChange = { ...change, subscription };
	switch (change.kind) {
		case 'cancel':
			await cancelAtStripe(subscription, change.reason ?? 'asked for');
			return { status: 'applied' };
		case 'cancel_at_end':
			return cancelAtEnd(client, billed);
		case 'resume':
			return resume(client, billed);
		case 'trial':
			return freeUntil(client, billed);
		case 'coupon': {
			const coupon = await db.coupon.findUnique({ where: { id: change.couponId ?? '' } });
			if (!coupon?.stripeCouponId || !coupon.stripePromotionCodeId)
				return refused('COUPON_NOT_FOUND');
			return discount(client, billed, coupon.stripePromotionCodeId, coupon.stripeCouponId);
		}
	}
	if (change.status === 'scheduled' && change.undoneBy) {
		await releaseSchedule(client, subscription);
		return { status: 'undone' };
	}
	const price = await priceOf(change);
	if (change.status === 'scheduled') return lookAtSchedule(client, billed, price);
	if (change.status === 'waiting_payment') return lookAtPayment(client, billed, price);
	return change.prorationDate
		? changeNow(client, billed, price)
		: changeLater(client, billed, price);
}

async function priceOf({ toPlanId, toInterval, currency }: SubscriptionChange): Promise<string> {
	const price = await db.planPrice.findUniqueOrThrow({
		where: { planId_interval_currency: { planId: toPlanId, interval: toInterval, currency } }
	});
	return ensureStripePrice(price.id);
}

/** What is not billed through Stripe is ours to change, at once. */
async function withoutStripe(change: Ordered): Promise<Outcome> {
	if (change.kind === 'coupon' || change.kind === 'trial' || change.kind === 'resume')
		return refused('NOT_BILLED_BY_STRIPE');
	await transaction(async (tx) => {
		const { id } = change.subscription;
		await tx.$queryRaw`SELECT id FROM subscriptions WHERE id = ${id}::uuid FOR UPDATE`;
		if (change.kind === 'cancel' || change.kind === 'cancel_at_end')
			return cancelSubscription(tx, { subscriptionId: id, reason: change.reason ?? 'asked for' });
		const before = await tx.subscription.findUniqueOrThrow({ where: { id } });
		const { toPlanId: planId, toInterval: interval, toQuantity: quantity, currency } = change;
		const price = await tx.planPrice.findUniqueOrThrow({
			where: { planId_interval_currency: { planId, interval, currency } }
		});
		const amount = before.billingMode === 'free' ? 0 : price.amount;
		const row = await tx.subscription.update({
			where: { id },
			data: { planId, interval, quantity, amount }
		});
		await afterChange(tx, before, row, perMonth(amount * quantity, interval));
	});
	return { status: 'applied' };
}

async function write(
	tx: Tx,
	change: Ordered,
	{ status, error = null, declineCode = null, stripeInvoiceId, effectiveAt }: Outcome
): Promise<SubscriptionChange> {
	const { count } = await tx.subscriptionChange.updateMany({
		where: { id: change.id, status: change.status },
		data: {
			status,
			error,
			declineCode,
			...(stripeInvoiceId && { stripeInvoiceId }),
			...(effectiveAt && { effectiveAt }),
			...(!UNFINISHED.includes(status) && { settledAt: now() })
		}
	});
	const row = await tx.subscriptionChange.findUniqueOrThrow({ where: { id: change.id } });
	if (count === 0 || status === change.status) return row;
	if (status === 'applied') await compareCharge(tx, row);
	// Room that was held for it is given back.
	if (status === 'refused' || status === 'undone') await tellInstances(tx, change.subscription);
	await audit(tx, {
		actor: SYSTEM,
		action: `billing.change-${status.replace('_', '-')}`,
		subject: { type: 'subscription', id: row.subscriptionId },
		customerId: row.customerId,
		before: { status: change.status },
		after: { change: row.id, kind: row.kind, status, error, declineCode }
	});
	await publish(tx, [`customer:${row.customerId}`, 'staff:billing'], row.subscriptionId);
	return row;
}

/** What was charged must be what was shown; anything else is for staff to see at once. */
async function compareCharge(tx: Tx, change: SubscriptionChange): Promise<void> {
	if (!change.prorationDate || !change.stripeInvoiceId) return;
	const invoice = await tx.invoice.findUnique({
		where: { stripeInvoiceId: change.stripeInvoiceId }
	});
	const charged = invoice ? invoice.amountPaid + invoice.amountRemaining : null;
	if (charged === change.amountDue) return;
	await openAlert(tx, {
		rule: 'billing.charge-differs',
		subjectType: 'subscription',
		subjectId: change.subscriptionId,
		severity: 'critical',
		data: { change: change.id, shown: change.amountDue, charged, currency: change.currency }
	});
}
