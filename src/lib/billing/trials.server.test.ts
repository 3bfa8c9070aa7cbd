import { expect, it } from 'vitest';
import { aPlan } from '../../../tests/factories/plans.ts';
import { movements, subscriber, testSubscribers } from '../../../tests/setup/subscriber.ts';
import { seconds } from '../../../tests/setup/time.ts';
import { after, DAY, HOUR } from '#lib/core/clock.server.ts';
import { db } from '#lib/core/db.server.ts';
import { SYSTEM } from '#lib/logs/audit.server.ts';
import { previewChange } from './changePreview.server.ts';
import { orderChange } from './changes.server.ts';
import { trialsByMonth } from './figureTrials.server.ts';
import './jobs.server.ts';
import { subscriptionsOf } from './subscriptionDetail.server.ts';

const { stripe, time } = await testSubscribers();
const { api } = stripe;
const by = SYSTEM;
/** A renewal is a draft for an hour before it is charged. */
const CHARGED = 1.1 * HOUR;

const row = (id: string) => db.subscription.findUniqueOrThrow({ where: { id } });
const invoices = async (subscription: string) =>
	(await api.invoices.list({ subscription, limit: 100 })).data;

const trials = async (at: Date) => {
	const within = { from: after(at, -DAY), to: after(at, DAY) };
	const months = await trialsByMonth(db, { currency: 'usd', zone: 'UTC', ...within });
	return months.get(at.toISOString().slice(0, 7)) ?? { ended: 0, converted: 0 };
};

it('goes from a trial to what is paid by itself, and counts it on that very day', async () => {
	const start = seconds();
	const { scope, atStripe } = await subscriber(stripe, time, { trialDays: 14 });
	const tried = await row(scope.id);
	const end = tried.trialEnd!;
	expect(end.getTime() - start.getTime()).toBeGreaterThanOrEqual(14 * DAY);
	expect(tried).toMatchObject({ status: 'active', stripeStatus: 'trialing', mrr: 0 });
	expect(tried.currentPeriodEnd).toEqual(end);
	// While it is tried, whatever changes costs nothing.
	const more = await aPlan({ amount: 9_900 });
	const shown = await previewChange(scope, { planKey: more.key }, by);
	expect(shown).toMatchObject({ kind: 'upgrade', amountDue: 0 });
	const changed = await orderChange({ changeId: shown.id, customerId: scope.customerId }, by);
	expect(changed).toMatchObject({ status: 'applied', error: null, stripeInvoiceId: null });
	expect(await row(scope.id)).toMatchObject({
		planId: more.id,
		amount: 9_900,
		mrr: 0,
		trialEnd: end
	});
	expect(await db.alert.count({ where: { rule: 'billing.charge-differs' } })).toBe(0);
	await time.pass(after(end, -HOUR));
	expect(await movements(scope.id)).toEqual([]);
	await time.go(after(end, CHARGED));
	await time.pass(after(end, 2 * DAY));
	const paying = await row(scope.id);
	expect(paying).toMatchObject({ status: 'active', stripeStatus: 'active', mrr: 9_900 });
	expect(paying.paidThrough).toEqual(paying.currentPeriodEnd);
	expect(await movements(scope.id)).toMatchObject([{ kind: 'new', amount: 9_900, at: end }]);
	expect(await trials(end)).toEqual({ ended: 1, converted: 1 });
	const [first] = await invoices(atStripe);
	expect(first).toMatchObject({ status: 'paid', total: 9_900 });
});

it('asks for the money of a trial that ends without a card, and ends what nobody pays', async () => {
	const { paid, scope } = await subscriber(stripe, time, { trialDays: 7 });
	const cards = await api.paymentMethods.list({ customer: paid.stripeCustomerId });
	for (const { id } of cards.data) await api.paymentMethods.detach(id);
	await time.hear();
	const { trialEnd } = await row(scope.id);
	const [shown] = await subscriptionsOf(db, scope.customerId, scope.id);
	expect(shown!.card).toBeNull();
	await time.pass(after(trialEnd!, CHARGED));
	expect(await row(scope.id)).toMatchObject({ status: 'past_due', paidThrough: trialEnd });
	const open = await db.dunningCase.findFirstOrThrow({ where: { subscriptionId: scope.id } });
	expect(open).toMatchObject({ owed: 4_900, closedAt: null });
	expect(open.startedAt >= trialEnd!).toBe(true);
	// Worth something, as whatever is late, but nobody pays it.
	expect(await trials(trialEnd!)).toEqual({ ended: 1, converted: 0 });
	await stripe.control('/settings', { after_retries: 'canceled' });
	await time.pass(after(trialEnd!, 25 * DAY));
	expect(await row(scope.id)).toMatchObject({ status: 'cancelled', mrr: 0 });
	const moved = await movements(scope.id);
	expect(moved.reduce((sum, { amount }) => sum + amount, 0)).toBe(0);
	expect(moved.map(({ kind }) => kind)).toEqual(['new', 'churn']);
});
