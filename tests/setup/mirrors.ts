import { db } from '#lib/core/db.server.ts';

/** What our mirror says of a customer, without ids, times of writing and the history of how it came to be. */
export async function snapshot(customerId: string) {
	const customer = await db.customer.findUniqueOrThrow({ where: { id: customerId } });
	const subscription = await db.subscription.findFirstOrThrow({ where: { customerId } });
	const invoices = await db.invoice.findMany({
		where: { customerId },
		orderBy: { number: 'asc' },
		include: {
			lines: { orderBy: { position: 'asc' } },
			attempts: { orderBy: [{ at: 'asc' }, { status: 'asc' }] },
			creditNotes: { orderBy: { amount: 'asc' } }
		}
	});
	const refunds = await db.refund.findMany({
		where: { customerId },
		orderBy: [{ amount: 'asc' }, { status: 'asc' }]
	});
	const disputes = await db.dispute.findMany({
		where: { customerId },
		orderBy: [{ amount: 'asc' }, { status: 'asc' }]
	});
	const discounts = await db.subscriptionDiscount.findMany({
		where: { subscriptionId: subscription.id },
		orderBy: { stripeCouponId: 'asc' }
	});
	const cards = await db.paymentMethod.findMany({
		where: { customerId },
		orderBy: { stripePaymentMethodId: 'asc' }
	});
	const { _sum } = await db.mrrMovement.aggregate({
		where: { customerId },
		_sum: { amount: true }
	});
	return {
		customer: customer.status,
		subscription: {
			status: subscription.status,
			stripeStatus: subscription.stripeStatus,
			mrr: subscription.mrr,
			amount: subscription.amount,
			quantity: subscription.quantity,
			plan: subscription.planId,
			card: subscription.stripePaymentMethodId,
			scheduled: subscription.scheduledPlanId,
			late: subscription.pastDueSince !== null,
			disputed: subscription.disputedAt !== null,
			periodEnd: subscription.currentPeriodEnd,
			paidThrough: subscription.paidThrough,
			cancelAt: subscription.cancelAt,
			cancelledAt: subscription.cancelledAt
		},
		invoices: invoices.map((invoice) => ({
			number: invoice.number,
			status: invoice.status,
			total: invoice.total,
			amountPaid: invoice.amountPaid,
			refunded: invoice.refundedAmount,
			chargedBack: invoice.chargedBackAmount,
			ours: invoice.subscriptionId === subscription.id,
			lines: invoice.lines.map(({ amount, description }) => [amount, description]),
			attempts: invoice.attempts.map(({ status, amount }) => [status, amount]),
			creditNotes: invoice.creditNotes.map(({ status, amount }) => [status, amount])
		})),
		refunds: refunds.map(({ status, amount, failureReason }) => ({
			status,
			amount,
			failureReason
		})),
		disputes: disputes.map(({ status, amount, invoiceId, withdrawnAt }) => ({
			status,
			amount,
			invoice: invoices.find(({ id }) => id === invoiceId)?.number ?? null,
			isWithdrawn: withdrawnAt !== null
		})),
		discounts: discounts.map(({ stripeCouponId, duration }) => [stripeCouponId, duration]),
		cards: cards.map(({ stripePaymentMethodId, last4, isDefault }) => [
			stripePaymentMethodId,
			last4,
			isDefault
		]),
		movements: _sum.amount ?? 0
	};
}

/** Forgets everything that was mirrored for a signup, so that it can be learned again in another order. */
export async function forgetMirrors(signupId: string): Promise<void> {
	const signup = await db.signup.findUniqueOrThrow({ where: { id: signupId } });
	await db.stripeMirror.deleteMany();
	if (!signup.customerId) return;
	const where = { customerId: signup.customerId };
	await db.signup.update({ where: { id: signupId }, data: { customerId: null } });
	await db.dispute.deleteMany({ where });
	await db.creditNote.deleteMany({ where });
	await db.refund.deleteMany({ where });
	await db.invoice.deleteMany({ where });
	await db.refundOrder.deleteMany({ where });
	await db.paymentMethod.deleteMany({ where });
	await db.subscriptionDiscount.deleteMany({ where });
	// Movements are append-only, so that the customer and its subscription stay and give up their Stripe ids.
	await db.subscription.updateMany({ where, data: { stripeSubscriptionId: null } });
	await db.customer.update({
		where: { id: signup.customerId },
		data: { stripeCustomerId: null }
	});
}
