import { transaction, type Tx } from '#lib/core/db.server.ts';
import { publish } from '#lib/core/live.server.ts';
import { money } from '#lib/ui/format.ts';
import { isSignupRefunded } from '../billing/refunds.server.ts';
import { audit, SYSTEM } from '../logs/audit.server.ts';
import { queueMail } from '../notifications/mail.server.ts';
import { holdAfterRefund } from './reservations.server.ts';
import { transition } from './tenantState.server.ts';
import { mayBecome } from './tenantStates.ts';

/**
 * Takes over what billing found out about the money of a signup: `refunded` only when Stripe says that it arrived
 * (or that there was nothing to give back).
 */
export async function refundChanged(signupId: string): Promise<void> {
	await transaction(async (tx) => {
		await tx.$queryRaw`SELECT id FROM signups WHERE id = ${signupId}::uuid FOR UPDATE`;
		const signup = await tx.signup.findUnique({ where: { id: signupId } });
		if (!signup) return;
		const refunded = await isSignupRefunded(tx, signupId);
		if (refunded && signup.status === 'refunding') {
			await tx.signup.update({ where: { id: signupId }, data: { status: 'refunded' } });
			await queueMail(tx, {
				template: 'refunded',
				userId: null,
				to: signup.email,
				customerId: signup.customerId,
				locale: signup.locale,
				data: {
					name: signup.fullName,
					company: signup.companyName,
					amount: await amountOf(tx, signup)
				},
				dedupeKey: `refunded:${signupId}`
			});
			await audit(tx, {
				actor: SYSTEM,
				action: 'signups.refund',
				subject: { type: 'signup', id: signupId },
				customerId: signup.customerId
			});
		} else if (!refunded && signup.status === 'refunded') {
			// A refund that had succeeded can still bounce: the money is ours again, and so is the debt.
			await tx.signup.update({ where: { id: signupId }, data: { status: 'refunding' } });
		}
		const tenant =
			signup.tenantId && (await tx.tenant.findUnique({ where: { id: signup.tenantId } }));
		if (refunded && tenant && mayBecome(tenant.status, 'refunded')) {
			await transition(tx, tenant, 'refunded', { statusReason: null });
			await holdAfterRefund(tx, tenant.id, signupId);
		}
		await publish(tx, `signup:${signupId}`, signupId);
	});
}

/** What was given back, written out for the reader. */
async function amountOf(tx: Tx, signup: { id: string; locale: string }): Promise<string> {
	const refunds = await tx.refund.groupBy({
		by: ['currency'],
		where: { signupId: signup.id, status: 'succeeded' },
		_sum: { amount: true }
	});
	const back = refunds.length > 0 ? refunds : await chargedBack(tx, signup.id);
	const locale = signup.locale === 'en' ? 'en-US' : 'es-419';
	return (
		back.map(({ currency, _sum }) => money(_sum.amount ?? 0, currency, locale)).join(' + ') || '0'
	);
}

/** What the bank has given back by itself, after a dispute that we lost. */
async function chargedBack(tx: Tx, signupId: string) {
	const order = await tx.refundOrder.findFirst({
		where: { signupId, purpose: 'signup', status: 'charged_back' },
		select: { stripeSubscriptionId: true }
	});
	if (!order?.stripeSubscriptionId) return [];
	const { id: subscriptionId } = await tx.subscription.findUniqueOrThrow({
		where: { stripeSubscriptionId: order.stripeSubscriptionId },
		select: { id: true }
	});
	return tx.dispute.groupBy({
		by: ['currency'],
		where: { subscriptionId, status: 'lost' },
		_sum: { amount: true }
	});
}
