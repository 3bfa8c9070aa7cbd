import { expect, it } from 'vitest';
import { aPlan, type PlanFacts } from '../../../tests/factories/plans.ts';
import { waitingJobs } from '../../../tests/setup/billing.ts';
import {
	instanceOf,
	movements,
	order,
	subscriber,
	testSubscribers
} from '../../../tests/setup/subscriber.ts';
import { after, DAY, HOUR, now } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { SYSTEM } from '#lib/logs/audit.server.ts';
import { may } from '#lib/plans/may.server.ts';
import { recordReading } from '#lib/plans/use.server.ts';
import { forgetSettings } from '#lib/settings/settings.server.ts';
import { date } from '#lib/ui/format.ts';
import { catchUp } from './catchUp.server.ts';
import { previewChange, type Wanted } from './changePreview.server.ts';
import { changeView } from './changeView.server.ts';
import { orderChange, undoChange } from './changes.server.ts';
import { CASE_FACTS, dunningRules, timelineOfCase } from './dunningFacts.server.ts';
import './jobs.server.ts';
import { subscriptionsOf } from './subscriptionDetail.server.ts';

const { stripe, time } = await testSubscribers();
const { api } = stripe;
const by = SYSTEM;
/** A renewal is a draft for an hour before it is charged. */
const CHARGED = 1.1 * HOUR;
const PLAN: PlanFacts = { amount: 2_900 };

const row = (id: string) => db.subscription.findUniqueOrThrow({ where: { id } });
const invoices = async (subscription: string) =>
	(await api.invoices.list({ subscription, limit: 100 })).data;

/** What is bought, what is wanted of it, and what one interval costs in the end. */
const SMALLER: [
	what: string,
	facts: PlanFacts,
	quantity: number,
	smaller: PlanFacts | null,
	wanted: Wanted,
	total: number
][] = [
	['a smaller plan', PLAN, 1, { amount: 900 }, {}, 900],
	['fewer users', PLAN, 3, null, { quantity: 1 }, 2_900],
	['month for year', { ...PLAN, interval: 'year' }, 1, null, { interval: 'month' }, 200]
];

it.each(SMALLER)(
	'makes what costs less when the paid period ends: %s',
	async (_what, facts, quantity, smaller, wanted, total) => {
		const { plan, scope, atStripe } = await subscriber(stripe, time, facts);
		if (quantity > 1) await order(scope, { quantity });
		await time.hear();
		const tenant = await instanceOf(scope);
		if (wanted.interval)
			await db.planPrice.create({
				data: { planId: plan.id, interval: 'month', currency: 'usd', amount: 200 }
			});
		const to = smaller ? await aPlan(smaller) : plan;
		const change = await order(scope, { planKey: to.key, ...wanted });
		expect(change).toMatchObject({ status: 'scheduled' });
		const before = await row(scope.id);
		const end = before.currentPeriodEnd!;
		expect(change.effectiveAt).toEqual(end);
		const schedule = before.stripeScheduleId!;
		const charged = (await invoices(atStripe)).length;

		await time.pass(after(end, -HOUR));
		expect(await row(scope.id)).toMatchObject({ planId: plan.id, quantity, mrr: before.mrr });
		const [shown] = await subscriptionsOf(db, scope.customerId, scope.id);
		expect(shown!.scheduled).toMatchObject({ changeId: change.id, at: end });

		// It happens while nobody of ours listens, and is heard of days later.
		await db.$executeRaw`DELETE FROM pgboss.job`;
		await time.go(after(end, CHARGED));
		if (smaller) {
			// The periodic look knows by itself that its time has come.
			await catchUp();
			const asked = await waitingJobs('billing.settle-change');
			expect(asked).toContainEqual({ changeId: change.id });
		}
		await time.pass(after(end, 3 * DAY));
		expect(await row(scope.id)).toMatchObject({
			...{ planId: to.id, quantity: wanted.quantity ?? 1, status: 'active', mrr: total },
			...{ interval: 'month', amount: total },
			...{ scheduledPlanId: null, scheduledQuantity: null, scheduledAt: null },
			...{ stripeScheduleId: null, currentPeriodStart: end }
		});
		const renewed = await row(scope.id);
		expect(renewed.paidThrough).toEqual(renewed.currentPeriodEnd);
		expect((await api.subscriptionSchedules.retrieve(schedule)).status).toBe('released');
		const [renewal, ...earlier] = await invoices(atStripe);
		expect(earlier).toHaveLength(charged);
		expect(renewal).toMatchObject({
			...{ status: 'paid', total, billing_reason: 'subscription_cycle' }
		});
		const last = (await movements(scope.id)).at(-1);
		expect(last).toMatchObject({ kind: 'contraction', amount: total - before.mrr, at: end });
		// From year to month an instance gets nothing else.
		const told = wanted.interval ? [] : [{ tenantId: tenant.id }];
		expect(await waitingJobs('provisioning.apply-plan')).toEqual(told);

		const done = await db.subscriptionChange.findUniqueOrThrow({ where: { id: change.id } });
		expect(done).toMatchObject({ status: 'applied', effectiveAt: end, error: null });
		const [after_] = await subscriptionsOf(db, scope.customerId, scope.id);
		expect(after_!.scheduled).toBeNull();
		await expect(
			undoChange({ changeId: change.id, customerId: scope.customerId }, by)
		).rejects.toMatchObject({ code: 'WRONG_STATE' });
		// And the next change can be made.
		expect(await order(scope, { quantity: 5 })).toMatchObject({ status: 'applied' });
	}
);

it('renews on the last day of shorter months and on the anchor of longer ones', async () => {
	const days = async (start: string, ends: string[]) => {
		await time.go(new Date(start));
		const { scope, atStripe } = await subscriber(stripe, time, PLAN);
		for (const [turn, end] of ends.entries()) {
			const { currentPeriodEnd, paidThrough } = await row(scope.id);
			expect(currentPeriodEnd).toEqual(new Date(`${end}Z`));
			expect(paidThrough).toEqual(currentPeriodEnd);
			const [shown] = await subscriptionsOf(db, scope.customerId, scope.id);
			// What the portal says is the day of who reads it: the evening before, far in the west.
			for (const [zone, shift] of [
				['America/Guayaquil', -1],
				['Europe/Madrid', 0]
			] as const) {
				const day = after(new Date(`${end.slice(0, 10)}T12:00:00Z`), shift * DAY);
				expect(date(shown!.currentPeriodEnd!, 'es', zone)).toBe(date(day, 'es', 'UTC'));
			}
			// Charged an hour after the period has ended, and late in between for nobody.
			await time.pass(after(currentPeriodEnd!, HOUR / 2));
			expect(await row(scope.id)).toMatchObject({ status: 'active', pastDueSince: null });
			await time.pass(after(currentPeriodEnd!, CHARGED));
			expect(await invoices(atStripe)).toHaveLength(turn + 2);
		}
		expect(await db.dunningCase.count({ where: { subscriptionId: scope.id } })).toBe(0);
		expect(await movements(scope.id)).toHaveLength(1);
		return scope.id;
	};
	// Over the night on which Europe's clocks go forward, at the very hour that they leave out.
	await days('2027-01-31T01:30:00Z', ['2027-02-28T01:30:00', '2027-03-31T01:30:00']);
	await time.endAll();
	const id = await days('2028-01-31T01:30:00Z', ['2028-02-29T01:30:00']);
	// And what comes next is the anchor's day again.
	expect((await row(id)).currentPeriodEnd).toEqual(new Date('2028-03-31T01:30:00Z'));
});

it('takes nothing away before what is paid ends, in the zone of the platform, over a change of its clocks', async () => {
	await db.setting.create({
		data: { key: 'general.timezone', category: 'general', value: 'America/Santiago' }
	});
	forgetSettings();
	// Chile's clocks go back in the night to 2 April 2028.
	await time.go(new Date('2028-02-29T15:00:00Z'));
	const { scope } = await subscriber(stripe, time, PLAN, { card: '4000000000000341' });
	const { currentPeriodEnd } = await row(scope.id);
	await time.pass(after(currentPeriodEnd!, -60_000));
	expect(await row(scope.id)).toMatchObject({ status: 'active', paidThrough: currentPeriodEnd });
	expect(await db.dunningCase.count({ where: { subscriptionId: scope.id } })).toBe(0);
	await time.pass(after(currentPeriodEnd!, CHARGED));
	const late = await row(scope.id);
	expect(late).toMatchObject({ status: 'past_due', paidThrough: currentPeriodEnd });
	const open = await db.dunningCase.findFirstOrThrow({ where: { subscriptionId: scope.id } });
	expect(open.startedAt >= currentPeriodEnd!).toBe(true);
	const found = await db.dunningCase.findUniqueOrThrow({
		where: { id: open.id },
		select: CASE_FACTS
	});
	const rules = await dunningRules();
	expect(rules.timeZone).toBe('America/Santiago');
	const timeline = await timelineOfCase(db, found, rules);
	const local = new Intl.DateTimeFormat('en', {
		...{ hour: 'numeric', hourCycle: 'h23', timeZone: rules.timeZone }
	});
	const cuts = timeline.filter(({ act }) => ['read_only', 'suspend', 'delete'].includes(act));
	expect(cuts.length).toBeGreaterThan(0);
	for (const { at } of cuts) {
		expect(at > late.paidThrough!).toBe(true);
		// The same hour of the day before and after the clocks change.
		expect(Number(local.format(at))).toBe(rules.hour);
	}
	await db.setting.deleteMany({ where: { key: 'general.timezone' } });
	forgetSettings();
});

it.each([
	['ahead of', 40 * DAY],
	['behind', -3 * DAY]
])('charges by Stripe’s clock while ours is %s it', async (_where, by_) => {
	const { scope, atStripe } = await subscriber(stripe, time, PLAN);
	time.drift(by_);
	const more = await aPlan({ amount: 9_900 });
	const shown = await previewChange(scope, { planKey: more.key }, by);
	const period = (await api.subscriptions.retrieve(atStripe)).items.data[0]!;
	const second = shown.prorationDate!.getTime() / 1000;
	expect(second >= period.current_period_start && second <= period.current_period_end).toBe(true);
	const done = await orderChange({ changeId: shown.id, customerId: scope.customerId }, by);
	expect(done).toMatchObject({ status: 'applied', error: null });
	await time.hear();
	const [charged] = await invoices(atStripe);
	expect(charged).toMatchObject({ status: 'paid', total: shown.amountDue });
	// Nobody is late because a clock of ours is wrong, and no movement lies in our future.
	expect(await db.dunningCase.count({ where: { subscriptionId: scope.id } })).toBe(0);
	const moved = await movements(scope.id);
	expect(moved.map(({ kind }) => kind).toSorted()).toEqual(['expansion', 'new']);
	expect(moved.reduce((sum, { amount }) => sum + amount, 0)).toBe(9_900);
	time.drift(0);
});

it('lets more users in with a higher quantity, and says before it what a lower one does not include', async () => {
	const { plan, scope } = await subscriber(stripe, time, PLAN);
	await db.planLimit.create({
		data: { planId: plan.id, resource: 'users', amount: 5, graceDays: 3, act: 'suspend' }
	});
	const tenant = await instanceOf(scope);
	const subject = { customerId: scope.customerId, tenantId: tenant.id };
	const measured = (used: number) =>
		transaction((tx) => recordReading(tx, tenant, 'users', { used, at: now() }));
	await measured(5);
	expect(await may(db, subject, 'users')).toMatchObject({ limit: 5, level: 'full' });
	const raised = await previewChange(scope, { quantity: 3 }, by);
	expect((await changeView(db, raised)).tooMuch).toEqual([]);
	await orderChange({ changeId: raised.id, customerId: scope.customerId }, by);
	expect(await may(db, subject, 'users')).toMatchObject({ limit: 15, level: 'ok', allowed: true });
	expect(await waitingJobs('provisioning.apply-plan')).toContainEqual({ tenantId: tenant.id });

	await measured(12);
	const lowered = await previewChange(scope, { quantity: 2 }, by);
	expect((await changeView(db, lowered)).tooMuch).toEqual([
		{ resource: 'users', slug: tenant.slug, used: 12, limit: 10, act: 'suspend' }
	]);
	const fits = await previewChange(scope, { quantity: 2, planKey: plan.key }, by);
	await orderChange({ changeId: fits.id, customerId: scope.customerId }, by);
	// Until the period ends it is as it was paid.
	expect(await may(db, subject, 'users')).toMatchObject({ limit: 15 });
	const { currentPeriodEnd } = await row(scope.id);
	await time.pass(after(currentPeriodEnd!, CHARGED));
	await measured(12);
	expect(await may(db, subject, 'users')).toMatchObject({ limit: 10, level: 'over' });
});
