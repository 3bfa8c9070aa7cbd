import { after, DAY, now } from '#lib/core/clock.server.ts';
import { db } from '#lib/core/db.server.ts';
import { payLink } from '#lib/billing/dunningPayLink.server.ts';
import type { DunningCase } from '#prisma/generated/client.ts';
import { anInvoice, aSubscription } from './billing.ts';

/** A subscription whose payment is late since some days, with its open invoice; nothing at Stripe stands behind it. */
export async function aDunningCase(
	facts: Partial<DunningCase> & { days?: number } = {}
): Promise<DunningCase> {
	const { days = 2, ...given } = facts;
	const startedAt = given.startedAt ?? after(now(), -days * DAY);
	const subscription = given.subscriptionId
		? await db.subscription.findUniqueOrThrow({ where: { id: given.subscriptionId } })
		: await aSubscription({
				...(given.customerId && { customerId: given.customerId }),
				status: 'past_due',
				stripeStatus: 'past_due',
				pastDueSince: startedAt,
				paidThrough: startedAt,
				currentPeriodStart: startedAt,
				currentPeriodEnd: after(startedAt, 30 * DAY)
			});
	const { customerId } = subscription;
	await anInvoice({
		customerId,
		subscriptionId: subscription.id,
		...{ status: 'open', amountPaid: 0, amountRemaining: 4_900, attemptCount: 1 },
		...{ billingReason: 'subscription_cycle', issuedAt: startedAt }
	});
	const policy = await db.dunningPolicy.findFirstOrThrow({ where: { isDefault: true } });
	return db.dunningCase.create({
		data: {
			policyId: policy.id,
			...{ owed: 4_900, currency: 'usd', nextAct: 'mail', nextAt: after(now(), DAY) },
			...given,
			customerId,
			subscriptionId: subscription.id,
			startedAt
		}
	});
}

/** The end of a link to pay for somebody's subscription. */
export async function aPayToken(): Promise<string> {
	const { id } = await aSubscription();
	return new URL(payLink(id, 'mail')).pathname.split('/').at(-1)!;
}
