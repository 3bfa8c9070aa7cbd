import { now } from '#lib/core/clock.server.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { publish } from '#lib/core/live.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import { audit, type Actor } from '#lib/logs/audit.server.ts';
import type { Refund, RefundOrder } from '#prisma/generated/client.ts';

/** Refunds of Stripe's that did not arrive; their money is on our balance. */
const BOUNCED = ['failed', 'canceled'];

/** A refund order as staff see it, with what Stripe made for it, newest first. @throws {AppError} NOT_FOUND */
export async function refundOrderPage(tx: Tx, id: string) {
	const order = await tx.refundOrder.findUnique({ where: { id } });
	if (!order) throw new AppError('NOT_FOUND');
	const refunds = await refundsOf(tx, order);
	const bounced = refunds.filter(hasBounced).length;
	return { order, refunds, bounced, maySendAgain: order.status === 'failed' && bounced > 0 };
}

/**
 * Sends what is left of a refund that bounced once more, because somebody of the staff has found out that it will arrive
 * now. Asking twice is asking once: when it is on its way already, nothing happens.
 * @param input.bounced how many had bounced on the page that the person saw
 * @throws {AppError} NOT_FOUND; CHANGED_MEANWHILE when another has bounced since; WRONG_STATE when nothing has: it was
 * paid outside Stripe, and has to go back outside Stripe
 */
export async function sendRefundAgain(
	tx: Tx,
	input: { orderId: string; bounced: number; by: Actor }
): Promise<void> {
	await tx.$queryRaw`SELECT id FROM refund_orders WHERE id = ${input.orderId}::uuid FOR UPDATE`;
	const { order, refunds } = await refundOrderPage(tx, input.orderId);
	if (order.status !== 'failed') return;
	const bounced = refunds.filter(hasBounced).map(({ stripeRefundId }) => stripeRefundId);
	if (bounced.length === 0)
		throw new AppError('WRONG_STATE', {
			params: { from: order.status, to: 'open' },
			detail: `nothing of refund order ${order.id} has bounced`
		});
	if (bounced.length !== input.bounced) throw new AppError('CHANGED_MEANWHILE');
	await tx.refundOrder.update({
		where: { id: order.id },
		data: { status: 'open', sentAgain: bounced, error: null, dueSince: now() }
	});
	await audit(tx, {
		actor: input.by,
		action: 'billing.send-refund-again',
		subject: { type: 'refund-order', id: order.id },
		customerId: order.customerId,
		before: { status: order.status },
		after: { status: 'open', bounced }
	});
	await publish(tx, 'staff:billing', order.id);
	await enqueue(tx, 'billing.refund-signup', { orderId: order.id }, { key: order.id });
}

function refundsOf(tx: Tx, order: RefundOrder): Promise<Refund[]> {
	return tx.refund.findMany({
		where: { refundOrderId: order.id, customerId: order.customerId },
		orderBy: { createdAt: 'desc' }
	});
}

function hasBounced({ status }: Refund): boolean {
	return BOUNCED.includes(status);
}
