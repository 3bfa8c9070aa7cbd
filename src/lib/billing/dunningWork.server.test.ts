import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { adopt, aSignup, payFor } from '../../../tests/factories/billing.ts';
import { createMember } from '../../../tests/factories/identity.ts';
import { eventsOf, listenToBilling, waitingJobs } from '../../../tests/setup/billing.ts';
import { testDatabase } from '../../../tests/setup/database.ts';
import { testQueue } from '../../../tests/setup/queue.ts';
import { testStripe } from '../../../tests/setup/stripe.ts';
import { DAY, HOUR, now, setClockOffset } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import '#lib/notifications/jobs.server.ts';
import { forgetSettings } from '#lib/settings/settings.server.ts';
import { finishRetries } from './dunningActs.server.ts';
import { giveTime, stopCase } from './dunningStaff.server.ts';
import { workCase, workDunning } from './dunningWork.server.ts';
import { keepEvent, processEvent } from './events.server.ts';
import './jobs.server.ts';
import { refreshSubscription } from './refresh.server.ts';

await testDatabase();
const stripe = await testStripe();
listenToBilling();
await testQueue({ work: false });
const { api } = stripe;
const LATER = '4000000000000341';
const by = { kind: 'staff' as const, id: null, label: 'ana@erp.example' };
let seen = 0;

beforeEach(async () => {
	await db.$executeRaw`DELETE FROM pgboss.job`;
	await stripe.control('/settings', { after_retries: 'past_due' });
	seen = eventsOf(stripe).length;
});
afterEach(async () => {
	// What an earlier story left open does not wake up in the next one, nor renew: each of its days would be dearer.
	await db.dunningCase.updateMany({ where: { closedAt: null }, data: { closedAt: now() } });
	for (const { id, status } of stripe.server.account.all('subscriptions'))
		if (status !== 'canceled') await api.subscriptions.cancel(id);
});

/** Does what webhooks do. */
async function hear(): Promise<void> {
	// What is due at the stand-in happens when it is asked, so that listening makes more to hear.
	for (let events = eventsOf(stripe); events.length > seen; events = eventsOf(stripe)) {
		const event = events[seen++]!;
		await transaction((tx) => keepEvent(tx, event));
		await processEvent(event.id);
	}
}

/** Both clocks, ours and Stripe's; what Stripe does by itself happens on the way. */
async function pass(milliseconds: number): Promise<void> {
	stripe.kernel.clock.advance(milliseconds);
	setClockOffset(stripe.kernel.clock.now() * 1000 - Date.now());
	await api.products.list();
}

async function work(): Promise<void> {
	await workDunning();
	const waiting = await waitingJobs<{ caseId: string }>('billing.dunning-case');
	await db.$executeRaw`DELETE FROM pgboss.job`;
	for (const caseId of new Set(waiting.map((job) => job.caseId))) await workCase(caseId);
}

/** Days go by, with a worker that looks twice on each. */
async function days(count: number): Promise<void> {
	for (let half = 0; half < count * 2; half++) {
		await pass(DAY / 2);
		await hear();
		await work();
		await hear();
	}
}

/** A subscription whose renewal has just failed, with its case. */
async function failed(card = LATER) {
	const paid = await payFor(stripe, await aSignup(), { card });
	const { customer, subscription } = await adopt(paid);
	await refreshSubscription(paid.stripeSubscriptionId);
	const { currentPeriodEnd } = await row(subscription.id);
	await pass(currentPeriodEnd!.getTime() - now().getTime() + 1.2 * HOUR);
	await hear();
	const where = { subscriptionId: subscription.id };
	const { id: caseId } = await db.dunningCase.findFirstOrThrow({ where });
	return { paid, customer, subscription, caseId };
}

const row = (id: string) => db.subscription.findUniqueOrThrow({ where: { id } });
const caseOf = (id: string) => db.dunningCase.findUniqueOrThrow({ where: { id } });
const actsOf = async (caseId: string) =>
	(await db.dunningAct.findMany({ where: { caseId }, orderBy: { doneAt: 'asc' } })).map(
		({ act, outcome, detail }) => [act, outcome, detail].filter(Boolean).join(' ')
	);
const mailsTo = async (customerId: string) => {
	const where = { customerId, template: 'dunning' };
	const mails = await db.emailMessage.findMany({ where, orderBy: { createdAt: 'asc' } });
	return mails.map(({ data }) => (data as { tone: string }).tone);
};
async function newCard(stripeCustomerId: string): Promise<void> {
	const method = await api.paymentMethods.attach('pm_card_visa', { customer: stripeCustomerId });
	await api.customers.update(stripeCustomerId, {
		invoice_settings: { default_payment_method: method.id }
	});
	for (const { id } of (await api.subscriptions.list({ customer: stripeCustomerId })).data)
		await api.subscriptions.update(id, { default_payment_method: method.id });
}
async function pay({
	stripeSubscriptionId,
	stripeCustomerId
}: {
	stripeSubscriptionId: string;
	stripeCustomerId: string;
}) {
	await newCard(stripeCustomerId);
	const open = await api.invoices.list({ subscription: stripeSubscriptionId, status: 'open' });
	for (const { id } of open.data) await api.invoices.pay(id);
}

it('opens with the first failed payment and goes its way to the end, each act once', async () => {
	const { customer, subscription, caseId } = await failed();
	expect(await caseOf(caseId)).toMatchObject({ owed: 4_900, currency: 'usd', held: null });
	expect(await row(subscription.id)).toMatchObject({ status: 'past_due', mrr: 4_900 });
	await days(16);
	expect(await row(subscription.id)).toMatchObject({
		...{ status: 'suspended', stripeStatus: 'past_due', mrr: 0 },
		dunningSuspendedAt: expect.any(Date)
	});
	await days(22);
	expect(await actsOf(caseId)).toEqual([
		'mail done',
		...['retry skipped stripe_retries', 'retry skipped stripe_retries', 'mail done'],
		'retry skipped stripe_retries',
		...['retry skipped stripe_retries', 'mail done', 'read_only done', 'mail done'],
		...['suspend done', 'delete done']
	]);
	const tones = ['friendly', 'reminder', 'warning', 'read_only', 'last', 'suspend', 'delete'];
	expect(await mailsTo(customer.id)).toEqual(tones);
	const amounts = await db.emailMessage.findMany({
		where: { customerId: customer.id, template: 'dunning' },
		orderBy: { createdAt: 'asc' }
	});
	// By the end the next renewal is owed as well.
	expect(amounts.map(({ data }) => (data as { amount: number }).amount)).toEqual([
		...new Array<number>(6).fill(4_900),
		9_800
	]);
	const acts = await db.dunningAct.findMany({
		where: { caseId, act: { in: ['suspend', 'delete'] } }
	});
	const { paidThrough } = await row(subscription.id);
	for (const { doneAt } of acts) expect(doneAt.getTime()).toBeGreaterThan(paidThrough!.getTime());
	// Its end at Stripe is ordered; the job does it and the mirror closes the case.
	expect(
		await db.auditEntry.count({
			where: { action: 'billing.cancel-subscription', subjectId: subscription.id }
		})
	).toBe(1);
	await api.subscriptions.cancel((await row(subscription.id)).stripeSubscriptionId!);
	await hear();
	expect(await caseOf(caseId)).toMatchObject({ outcome: 'ended', nextAt: null });
});

it('is over with the payment: what it took away comes back, and so does the worth', async () => {
	const { paid, customer, subscription, caseId } = await failed();
	await createMember('owner', customer);
	await days(16);
	expect(await row(subscription.id)).toMatchObject({ status: 'suspended' });
	await pay(paid);
	await db.$executeRaw`DELETE FROM pgboss.job`;
	await hear();
	expect(await caseOf(caseId)).toMatchObject({ outcome: 'paid' });
	expect(await row(subscription.id)).toMatchObject({
		...{ status: 'active', mrr: 4_900, dunningSuspendedAt: null, pastDueSince: null }
	});
	expect(await waitingJobs('provisioning.subscription-changed')).toContainEqual({
		subscriptionId: subscription.id
	});
	const movements = await db.mrrMovement.findMany({
		where: { subscriptionId: subscription.id },
		orderBy: { at: 'asc' }
	});
	expect(movements.map(({ kind, amount }) => [kind, amount])).toEqual([
		['new', 4_900],
		['churn', -4_900],
		['reactivation', 4_900]
	]);
	expect((await mailsTo(customer.id)).filter((tone) => tone === 'restored')).toHaveLength(2);
	await work();
	expect(await actsOf(caseId)).not.toContain('delete done');
});

describe('retries of ours', () => {
	const alone = () =>
		db.setting.upsert({
			where: { key: 'billing.stripe_retries' },
			create: { key: 'billing.stripe_retries', category: 'billing', value: false },
			update: { value: false }
		});
	afterEach(async () => {
		await db.setting.deleteMany({ where: { key: 'billing.stripe_retries' } });
		forgetSettings();
	});

	it('charge under the key of their act, and end the case when the bank says yes', async () => {
		await alone();
		forgetSettings();
		const { paid, caseId } = await failed();
		await newCard(paid.stripeCustomerId);
		await days(2);
		expect(await actsOf(caseId)).toEqual(['mail done', 'retry done paid']);
		expect(await caseOf(caseId)).toMatchObject({ outcome: 'paid' });
	});

	it('survive a death after the order: the same attempt is finished, none is made twice', async () => {
		await alone();
		forgetSettings();
		const { paid, caseId } = await failed();
		await work();
		await pass(1.5 * DAY);
		await hear();
		stripe.fault({ match: 'POST .*/pay$', kind: 'reset', times: 10 });
		await expect(work()).rejects.toThrow();
		expect(await actsOf(caseId)).toContain('retry ordered');
		stripe.kernel.faults.clear();
		const { attempt_count: before } = (
			await api.invoices.list({ subscription: paid.stripeSubscriptionId })
		).data[0]!;
		await finishRetries(caseId);
		await finishRetries(caseId);
		await work();
		expect(await actsOf(caseId)).toEqual(['mail done', 'retry done generic_decline']);
		const { attempt_count: after } = (
			await api.invoices.list({ subscription: paid.stripeSubscriptionId })
		).data[0]!;
		expect(after - before).toBe(1);
	});
});

it('suspends nobody who has paid, though no webhook said so', async () => {
	const { paid, subscription, caseId } = await failed();
	await days(14);
	await pay(paid);
	seen = eventsOf(stripe).length;
	await pass(3 * DAY);
	await work();
	expect(await caseOf(caseId)).toMatchObject({ outcome: 'paid' });
	expect(await row(subscription.id)).toMatchObject({ status: 'active', dunningSuspendedAt: null });
});

it('does nothing while Stripe does not answer', async () => {
	const { caseId } = await failed();
	stripe.fault({ match: 'GET /v1/', kind: 'status', status: 503, times: 100 });
	await expect(workCase(caseId)).rejects.toThrow();
	expect(await actsOf(caseId)).toEqual([]);
	stripe.kernel.faults.clear();
	await workCase(caseId);
	expect(await actsOf(caseId)).toEqual(['mail done']);
});

it('leaves alone what the bank disputes', async () => {
	const { subscription, caseId } = await failed();
	await db.subscription.update({ where: { id: subscription.id }, data: { disputedAt: now() } });
	const { stripeSubscriptionId } = await row(subscription.id);
	await refreshSubscription(stripeSubscriptionId!);
	expect(await caseOf(caseId)).toMatchObject({ held: 'disputed', nextAt: null });
	await days(3);
	expect(await actsOf(caseId)).toEqual([]);
});

describe('what staff do', () => {
	it('more time holds everything back, and only what is left comes after it', async () => {
		const { caseId } = await failed();
		await work();
		const until = new Date(now().getTime() + 20 * DAY).toISOString().slice(0, 10);
		await giveTime(caseId, { until, reason: 'paga el lunes', by });
		await days(19);
		expect(await actsOf(caseId)).toEqual(['mail done']);
		await days(3);
		expect((await actsOf(caseId)).filter((act) => act.startsWith('mail'))).toEqual([
			...['mail done', 'mail skipped grace', 'mail done']
		]);
		await expect(
			giveTime(caseId, { until: '2020-01-01', reason: 'tarde', by })
		).rejects.toMatchObject({
			fields: { until: expect.stringContaining('180') }
		});
	});

	it('stopping a case brings back what it took, and it stays closed for this lateness', async () => {
		const { subscription, caseId } = await failed();
		await days(16);
		await stopCase(caseId, { reason: 'acuerdo con gerencia', by });
		await refreshSubscription((await row(subscription.id)).stripeSubscriptionId!);
		expect(await row(subscription.id)).toMatchObject({ status: 'past_due', mrr: 4_900 });
		expect(await db.dunningCase.count({ where: { subscriptionId: subscription.id } })).toBe(1);
		expect(await caseOf(caseId)).toMatchObject({ outcome: 'stopped' });
		await expect(stopCase(caseId, { reason: 'otra vez', by })).rejects.toMatchObject({
			code: 'CHANGED_MEANWHILE'
		});
	});
});
