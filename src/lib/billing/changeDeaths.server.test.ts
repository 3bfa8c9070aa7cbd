import { expect, it, vi } from 'vitest';
import { adopt, aSignup, payFor } from '../../../tests/factories/billing.ts';
import { aPlan } from '../../../tests/factories/plans.ts';
import { listenToBilling } from '../../../tests/setup/billing.ts';
import { testDatabase } from '../../../tests/setup/database.ts';
import { dyingAt, dyingWriting } from '../../../tests/setup/deaths.ts';
import { testQueue } from '../../../tests/setup/queue.ts';
import { testStripe } from '../../../tests/setup/stripe.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { SYSTEM } from '#lib/logs/audit.server.ts';
import type { SubscriptionChange } from '#prisma/generated/client.ts';
import { previewChange } from './changePreview.server.ts';
import { orderAct, orderChange, undoChange } from './changes.server.ts';
import { settleChange } from './changeSettle.server.ts';
import { createCoupon } from './coupons.server.ts';
import { pushCoupon } from './couponSync.server.ts';
import './jobs.server.ts';
import { refreshSubscription } from './refresh.server.ts';

vi.setConfig({ testTimeout: 60_000 });
await testDatabase();
const stripe = await testStripe();
listenToBilling();
await testQueue({ work: false });
const { api } = stripe;
const by = SYSTEM;

const basic = await aPlan({ amount: 2_900 });
const more = await aPlan({ amount: 9_900 });
const less = await aPlan({ amount: 900 });
const coupon = await transaction((tx) =>
	createCoupon(
		tx,
		{
			...{ code: 'SIEMPRE', name: 'Siempre', duration: 'forever', months: null },
			...{ percentBasisPoints: 1_000, amount: null, currency: null },
			...{ maxRedemptions: null, redeemBy: null }
		},
		{ by }
	)
);
await pushCoupon(coupon.id);

type Scope = { id: string; customerId: string };
type Death = (work: () => Promise<unknown>) => Promise<boolean>;

const terms = async (scope: Scope, planKey: string, quantity = 1) => {
	const { id: changeId } = await previewChange(scope, { planKey, quantity }, by);
	await orderChange({ changeId, customerId: scope.customerId }, by);
};
const undo = async (scope: Scope) => {
	const where = { subscriptionId: scope.id, status: 'scheduled' as const };
	const { id: changeId } = await db.subscriptionChange.findFirstOrThrow({ where });
	await undoChange({ changeId, customerId: scope.customerId }, by);
};
const act = (scope: Scope, kind: 'cancel' | 'cancel_at_end' | 'resume' | 'coupon') =>
	orderAct(scope, kind, kind === 'coupon' ? { couponId: coupon.id } : {}, by);

/** Everything that can be done to a subscription, with what the change is in the end. */
const LIFE: [work: (scope: Scope) => Promise<unknown>, status: SubscriptionChange['status']][] = [
	[(scope) => act(scope, 'coupon'), 'applied'],
	[(scope) => terms(scope, more.key, 2), 'applied'],
	[(scope) => act(scope, 'cancel_at_end'), 'applied'],
	[(scope) => act(scope, 'resume'), 'applied'],
	[(scope) => terms(scope, less.key), 'scheduled'],
	[undo, 'undone'],
	[(scope) => terms(scope, less.key), 'scheduled'],
	[(scope) => act(scope, 'cancel_at_end'), 'applied'],
	[(scope) => act(scope, 'cancel'), 'applied']
];

/** Lives it through with a death in each act, after each of which another worker takes the job up. */
async function live(death: Death): Promise<{ deaths: number; end: object }> {
	const paid = await payFor(stripe, await aSignup({ planId: basic.id }));
	const { customer, subscription } = await adopt(paid);
	await refreshSubscription(paid.stripeSubscriptionId);
	const scope = { id: subscription.id, customerId: customer.id };
	let deaths = 0;
	for (const [work, status] of LIFE) {
		if (await death(() => work(scope))) deaths += 1;
		const where = { subscriptionId: scope.id };
		const change = await db.subscriptionChange.findFirstOrThrow({
			where: status === 'undone' ? { ...where, undoneBy: { not: null } } : where,
			orderBy: { createdAt: 'desc' }
		});
		expect(await settleChange(change.id)).toMatchObject({ status, error: null });
		// A job that was queued twice.
		expect(await settleChange(change.id)).toMatchObject({ status });
	}
	return { deaths, end: await endOf(scope, paid.stripeSubscriptionId) };
}

/** What is left of a life, here and at Stripe, without ids, times and what depends on the second. */
async function endOf({ id, customerId }: Scope, atStripe: string): Promise<object> {
	const row = await db.subscription.findUniqueOrThrow({ where: { id } });
	const changes = await db.subscriptionChange.findMany({
		where: { subscriptionId: id },
		orderBy: { createdAt: 'asc' }
	});
	const moved = await db.mrrMovement.findMany({
		where: { subscriptionId: id },
		orderBy: [{ at: 'asc' }, { id: 'asc' }]
	});
	const audited = await db.auditEntry.groupBy({
		by: ['action'],
		where: { customerId },
		_count: true,
		orderBy: { action: 'asc' }
	});
	const invoices = await api.invoices.list({ subscription: atStripe, limit: 100 });
	const current = await api.subscriptions.retrieve(atStripe);
	const all = stripe.server.account;
	const upgraded = changes.find(({ kind }) => kind === 'upgrade')!;
	const charged = invoices.data.find(({ id }) => id === upgraded.stripeInvoiceId);
	expect(charged).toMatchObject({ status: 'paid', amount_paid: upgraded.amountDue });
	expect(await db.alert.count()).toBe(0);
	return {
		row: [row.planId, row.quantity, row.status, row.mrr, row.scheduledPlanId, row.stripeScheduleId],
		changes: changes.map(({ kind, status }) => [kind, status]),
		moved: moved.map(({ kind, amount }) => [kind, amount]),
		audited: audited.map(({ action, _count }) => [action, _count]),
		mirrored: await db.invoice.count({ where: { subscriptionId: id } }),
		invoices: invoices.data.map(({ status, billing_reason: reason }) => [status, reason]),
		current: [current.status, current.schedule, current.items.data.map(({ price }) => price.id)],
		charges: all
			.all('charges')
			.filter(({ customer }) => customer === current.customer)
			.map(({ status }) => status),
		discounts: all.all('discounts').filter(({ subscription }) => subscription === atStripe).length,
		schedules: all
			.all('schedules')
			.filter(({ customer }) => customer === current.customer)
			.map(({ status }) => status)
	};
}

const CHANGING = { target: 'stripe', match: '^(POST|DELETE) /v1/(?!.*preview)' } as const;
const atCall = (when: 'before' | 'after', skip: number): Death => {
	return (work) => dyingAt(stripe.kernel, { ...CHANGING, when, skip }, work);
};
const writing = (table: string, where: string): Death => {
	return (work) => dyingWriting(table, where, work);
};

it('ends as it would have, when its worker dies in every single act', async () => {
	const { deaths: none, end: undisturbed } = await live(async (work) => (await work(), false));
	expect(none).toBe(0);
	expect(undisturbed).toMatchObject({
		row: [basic.id, 1, 'cancelled', 0, null, null].with(0, more.id).with(1, 2),
		schedules: ['released', 'released'],
		discounts: 1
	});
	const ways: [name: string, death: Death, atLeast: number][] = [
		['before the call', atCall('before', 0), LIFE.length],
		['after the call', atCall('after', 0), LIFE.length],
		// Only some acts have a second call; before it is after the first.
		['after the second call', atCall('after', 1), 2],
		['writing the mirror', writing('subscriptions', 'new.updated_at <> old.updated_at'), 8],
		[
			'noting what came of it',
			writing('subscription_changes', `new.status <> old.status AND new.status <> 'ordered'`),
			LIFE.length
		]
	];
	for (const [name, death, atLeast] of ways) {
		const { deaths, end } = await live(death);
		expect({ name, end }).toEqual({ name, end: undisturbed });
		expect(deaths, name).toBeGreaterThanOrEqual(atLeast);
	}
});
