import { now } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { publish } from '#lib/core/live.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import { VendorError } from '#lib/integrations/errors.ts';
import type { StripeClient } from '#lib/integrations/stripe/stripe.server.ts';
import { audit, SYSTEM } from '#lib/logs/audit.server.ts';
import { closeAlert, openAlert } from '#lib/notifications/alerts.server.ts';
import { stripeClient } from '#lib/settings/clients.server.ts';
import type { RefundOrder, RefundOrderStatus } from '#prisma/generated/client.ts';
import { mirrorInvoice } from './invoices.server.ts';
import { giveBack } from './giveBack.server.ts';
import { refreshMoney } from './refresh.server.ts';
import { cancelAtStripe } from './subscriptions.server.ts';

/** An order whose subscription Stripe bills. */
export type StripeOrder = RefundOrder & { stripeSubscriptionId: string };

/** The first of these that an invoice of the order is in is what the order is in. */
const WORST_FIRST: readonly RefundOrderStatus[] = [
	'failed',
	'waiting_dispute',
	'waiting_payment',
	'open',
	'pending',
	'succeeded',
	'charged_back',
	'nothing'
];

/** The bank's to end, in days or months. */
export const NOT_OURS: readonly RefundOrderStatus[] = ['waiting_payment', 'waiting_dispute'];

/**
 * Takes a refund order as far as it goes: cancels the subscription, gives back what was paid, and says what Stripe
 * says of it. Each step looks before it acts, so that this can be run again at any time, after any failure, and after
 * any event; it never gives back more than was paid.
 * @throws {VendorError} when Stripe did not do it this time; the queue tries again
 */
export async function runRefundOrder(orderId: string): Promise<void> {
	const row = await db.refundOrder.findUnique({ where: { id: orderId } });
	if (!row?.stripeSubscriptionId) return;
	const order = { ...row, stripeSubscriptionId: row.stripeSubscriptionId };
	const client = await stripeClient({ subjectId: order.signupId, customerId: order.customerId });
	try {
		await cancelAtStripe(order.stripeSubscriptionId, order.reason);
		const status = await giveBackAll(client, order);
		await refreshMoney(order.stripeSubscriptionId);
		await settle(order.id, status);
	} catch (error) {
		await note(order.id, error);
		throw error;
	}
}

async function giveBackAll(client: StripeClient, order: StripeOrder): Promise<RefundOrderStatus> {
	const outcomes = new Set<RefundOrderStatus>(['nothing']);
	for (const invoice of await client.invoices.ofSubscription(order.stripeSubscriptionId)) {
		outcomes.add(await giveBack(client, order, invoice));
		await mirrorInvoice(invoice.id);
	}
	return WORST_FIRST.find((status) => outcomes.has(status)) ?? 'nothing';
}

/** Writes where the order stands, and tells those whom a difference concerns. */
async function settle(orderId: string, status: RefundOrderStatus): Promise<void> {
	await transaction(async (tx) => {
		await tx.$queryRaw`SELECT id FROM refund_orders WHERE id = ${orderId}::uuid FOR UPDATE`;
		const before = await tx.refundOrder.findUniqueOrThrow({ where: { id: orderId } });
		const done = status === 'succeeded' || status === 'nothing' || status === 'charged_back';
		await tx.refundOrder.update({
			where: { id: orderId },
			data: {
				status,
				error: null,
				settledAt: done ? (before.settledAt ?? now()) : null,
				// What we waited for was not ours to hasten: from here on it is.
				...(NOT_OURS.includes(before.status) && before.status !== status && { dueSince: now() })
			}
		});
		const subject = { subjectType: 'refund-order', subjectId: orderId };
		await closeAlert(tx, { rule: 'billing.refund-stuck', ...subject });
		if (status === 'failed') {
			const { signupId, customerId, purpose } = before;
			await openAlert(tx, {
				rule: 'billing.refund-failed',
				...subject,
				severity: 'critical',
				data: { signupId, customerId, purpose }
			});
		}
		if (done) {
			// Sent again, it may bounce again: until the money has gone, staff keep an eye on it.
			await closeAlert(tx, { rule: 'billing.refund-failed', ...subject });
			await closeAlert(tx, { rule: 'billing.refund-late', ...subject });
		}
		if (before.status === status) return;
		await audit(tx, {
			actor: SYSTEM,
			action: 'billing.refund-status',
			subject: { type: 'refund-order', id: orderId },
			customerId: before.customerId,
			before: { status: before.status },
			after: { status }
		});
		await publish(tx, [`customer:${before.customerId}`, 'staff:billing'], orderId);
		if (before.purpose !== 'signup') return;
		const refund = await tx.refund.findFirst({
			where: { signupId: before.signupId },
			orderBy: { createdAt: 'desc' },
			select: { id: true }
		});
		await enqueue(tx, 'provisioning.refund-changed', {
			signupId: before.signupId,
			refundId: refund?.id ?? null
		});
	});
}

/** Keeps the last error where staff see it; what trying again will not mend becomes an alert at once. */
async function note(orderId: string, error: unknown): Promise<void> {
	const message = error instanceof Error ? error.message : String(error);
	await transaction(async (tx) => {
		const order = await tx.refundOrder.update({
			where: { id: orderId },
			data: { error: message.slice(0, 1_000) }
		});
		if (!(error instanceof VendorError) || error.retryable || error.ambiguous) return;
		await openAlert(tx, {
			rule: 'billing.refund-stuck',
			subjectType: 'refund-order',
			subjectId: orderId,
			severity: 'critical',
			data: { signupId: order.signupId, customerId: order.customerId, code: error.code, message }
		});
	});
}
