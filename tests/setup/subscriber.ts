import { beforeEach, vi } from 'vitest';
import { adopt, aSignup, payFor, type PaidSignup } from '../factories/billing.ts';
import { createUnplacedTenant } from '../factories/infrastructure.ts';
import { aPlan, type PlanFacts } from '../factories/plans.ts';
import { z } from 'zod';
import { db, transaction } from '#lib/core/db.server.ts';
import { defineJob } from '#lib/core/queue.server.ts';
import { previewChange, type Wanted } from '#lib/billing/changePreview.server.ts';
import { orderChange } from '#lib/billing/changes.server.ts';
import { refreshSubscription } from '#lib/billing/refresh.server.ts';
import type { PlanWithPrices } from '#lib/plans/plans.server.ts';
import { SYSTEM } from '#lib/logs/audit.server.ts';
import type { MrrMovement, SubscriptionChange, Tenant } from '#prisma/generated/client.ts';
import { listenToBilling } from './billing.ts';
import { testDatabase } from './database.ts';
import { testQueue } from './queue.ts';
import { type TestStripe, testStripe } from './stripe.ts';
import { type TestTime, testTime } from './time.ts';

export interface Scope {
	id: string;
	customerId: string;
}

export interface Subscriber {
	plan: PlanWithPrices;
	paid: PaidSignup;
	/** Our row, and whose it is. */
	scope: Scope;
	/** Stripe's id of it. */
	atStripe: string;
}

/** What the tests of a file need to let time pass for subscriptions; each begins without jobs and clocks of the one before. */
export async function testSubscribers(): Promise<{ stripe: TestStripe; time: TestTime }> {
	vi.setConfig({ testTimeout: 60_000 });
	await testDatabase();
	const stripe = await testStripe();
	listenToBilling();
	listenToInstances();
	await testQueue({ work: false });
	const time = testTime(stripe);
	beforeEach(async () => {
		await db.$executeRaw`DELETE FROM pgboss.job`;
		await time.endAll();
	});
	return { stripe, time };
}

/** A subscription that was paid at Checkout, and heard of. */
export async function subscriber(
	stripe: TestStripe,
	time: TestTime,
	facts: PlanFacts,
	options: { card?: string; promotion?: string } = {}
): Promise<Subscriber> {
	const plan = await aPlan(facts);
	const paid = await payFor(stripe, await aSignup({ planId: plan.id }), options);
	const { customer, subscription } = await adopt(paid);
	await refreshSubscription(paid.stripeSubscriptionId);
	await time.hear();
	const scope = { id: subscription.id, customerId: customer.id };
	return { plan, paid, scope, atStripe: paid.stripeSubscriptionId };
}

/** What somebody wants, shown and ordered. */
export async function order(scope: Scope, wanted: Wanted): Promise<SubscriptionChange> {
	const { id: changeId } = await previewChange(scope, wanted, SYSTEM);
	return orderChange({ changeId, customerId: scope.customerId }, SYSTEM);
}

/** An instance that a subscription pays for. */
export async function instanceOf({ id, customerId }: Scope): Promise<Tenant> {
	const tenant = await transaction((tx) => createUnplacedTenant(tx));
	return db.tenant.update({
		where: { id: tenant.id },
		data: { customerId, subscriptionId: id, status: 'active' }
	});
}

/** What its MRR did, the oldest first. */
export function movements(subscriptionId: string): Promise<MrrMovement[]> {
	return db.mrrMovement.findMany({
		where: { subscriptionId },
		orderBy: [{ at: 'asc' }, { id: 'asc' }]
	});
}

/** Lets billing tell instances of their plan without anybody above it. Call it before the queue is opened. */
export function listenToInstances(): void {
	defineJob({
		name: 'provisioning.apply-plan',
		payload: z.object({ tenantId: z.uuid() }),
		run: async () => {}
	});
}
