import { now } from '#lib/core/clock.server.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import { audit, SYSTEM, type Actor } from '#lib/logs/audit.server.ts';
import type { RefundOrderStatus } from '#prisma/generated/client.ts';
import { cancelSubscription } from './subscriptions.server.ts';

export interface SignupRefund {
	signupId: string;
	customerId: string;
	subscriptionId: string;
	/** Why, for staff. */
	reason: string;
	by?: Actor;
}

/** The customer has the money, or there was none. */
const SETTLED: readonly RefundOrderStatus[] = ['succeeded', 'nothing', 'charged_back'];

/**
 * "Ready or refunded": orders that the subscription of a signup is cancelled and everything paid for it given back.
 * The order is a row, so that a job can be resumed at each of its steps; ordering twice is ordering once.
 * What comes of it is told by the job `provisioning.refund-changed`.
 */
export async function refundSignup(tx: Tx, input: SignupRefund): Promise<void> {
	const subscription = await tx.subscription.findUniqueOrThrow({
		where: { id: input.subscriptionId, customerId: input.customerId }
	});
	const { stripeSubscriptionId } = subscription;
	if (stripeSubscriptionId) return order(tx, { ...input, purpose: 'signup', stripeSubscriptionId });
	await cancelSubscription(tx, input);
	const ordered = await tx.refundOrder.findFirst({
		where: { signupId: input.signupId, purpose: 'signup' },
		select: { id: true }
	});
	if (!ordered) {
		await tx.refundOrder.create({
			data: {
				customerId: input.customerId,
				signupId: input.signupId,
				purpose: 'signup',
				reason: input.reason,
				status: 'nothing',
				settledAt: now()
			}
		});
	}
	await enqueue(tx, 'provisioning.refund-changed', { signupId: input.signupId, refundId: null });
}

/**
 * Orders that a second payment of a signup is cancelled and given back. The first is not touched.
 * @throws {AppError} WRONG_STATE when the signup has no customer: then there was no first payment
 */
export async function refundDuplicatePayment(
	tx: Tx,
	input: { signupId: string; stripeSubscriptionId: string; by?: Actor }
): Promise<void> {
	const signup = await tx.signup.findUniqueOrThrow({
		where: { id: input.signupId },
		select: { customerId: true, status: true }
	});
	const ours = await tx.subscription.findUnique({
		where: { stripeSubscriptionId: input.stripeSubscriptionId },
		select: { id: true }
	});
	if (!signup.customerId || ours)
		throw new AppError('WRONG_STATE', {
			params: { from: signup.status, to: 'refunding' },
			detail: `${input.stripeSubscriptionId} is not a second payment of signup ${input.signupId}`
		});
	await order(tx, {
		...input,
		customerId: signup.customerId,
		purpose: 'duplicate',
		reason: 'second payment'
	});
}

/** True when Stripe says that the money of a signup is back, or that there was nothing to give back. */
export async function isSignupRefunded(tx: Tx, signupId: string): Promise<boolean> {
	const status = await signupRefundStatus(tx, signupId);
	return status !== null && SETTLED.includes(status);
}

/** How far the refund of a signup is; null when none was ordered. */
export async function signupRefundStatus(
	tx: Tx,
	signupId: string
): Promise<RefundOrderStatus | null> {
	const order = await tx.refundOrder.findFirst({
		where: { signupId, purpose: 'signup' },
		orderBy: { createdAt: 'desc' },
		select: { status: true }
	});
	return order?.status ?? null;
}

async function order(
	tx: Tx,
	input: {
		signupId: string;
		customerId: string;
		stripeSubscriptionId: string;
		purpose: 'signup' | 'duplicate';
		reason: string;
		by?: Actor;
	}
): Promise<void> {
	const { signupId, customerId, stripeSubscriptionId, purpose, reason } = input;
	const { count } = await tx.refundOrder.createMany({
		data: [{ signupId, customerId, stripeSubscriptionId, purpose, reason }],
		skipDuplicates: true
	});
	const { id } = await tx.refundOrder.findUniqueOrThrow({
		where: { stripeSubscriptionId },
		select: { id: true }
	});
	if (count > 0) {
		await audit(tx, {
			actor: input.by ?? SYSTEM,
			action: 'billing.order-refund',
			subject: { type: 'refund-order', id },
			customerId,
			after: { signupId, purpose, reason, stripeSubscriptionId }
		});
	}
	await enqueue(tx, 'billing.refund-signup', { orderId: id }, { key: id });
}
