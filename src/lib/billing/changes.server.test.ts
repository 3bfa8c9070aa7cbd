import { expect, it } from 'vitest';
import { adopt, aSignup, payFor } from '../../../tests/factories/billing.ts';
import { aPlan } from '../../../tests/factories/plans.ts';
import { listenToBilling, waitingJobs } from '../../../tests/setup/billing.ts';
import { testDatabase } from '../../../tests/setup/database.ts';
import { testQueue } from '../../../tests/setup/queue.ts';
import { testStripe } from '../../../tests/setup/stripe.ts';
import { db } from '#lib/core/db.server.ts';
import type { Actor } from '#lib/logs/audit.server.ts';
import './jobs.server.ts';
import { previewChange, shownInvoice } from './changePreview.server.ts';
import { orderAct, orderChange, undoChange } from './changes.server.ts';
import { settleChange } from './changeSettle.server.ts';
import { refreshSubscription } from './refresh.server.ts';
import { mirrorSubscription } from './subscriptions.server.ts';

await testDatabase();
const stripe = await testStripe();
listenToBilling();
await testQueue({ work: false });
const { api } = stripe;
const by: Actor = { kind: 'member', id: null, label: 'ana@example.com' };

const MONTHLY = 2_900;
/** A paid subscription of one plan, and a dearer and a cheaper plan beside it. */
async function paying(card?: string) {
	const basic = await aPlan({ amount: MONTHLY });
	const more = await aPlan({ amount: 9_900 });
	const less = await aPlan({ amount: 900 });
	const paid = await payFor(stripe, await aSignup({ planId: basic.id }), { card });
	const { customer, subscription } = await adopt(paid);
	await refreshSubscription(paid.stripeSubscriptionId);
	const scope = { id: subscription.id, customerId: customer.id };
	return { basic, more, less, paid, customer, subscription, scope };
}
const row = (id: string) => db.subscription.findUniqueOrThrow({ where: { id } });
const invoicesOf = async (subscription: string) =>
	(await api.invoices.list({ subscription, limit: 100 })).data;
const order = (change: { id: string; customerId: string }) =>
	orderChange({ changeId: change.id, customerId: change.customerId }, by);

it('charges for an upgrade exactly what was shown, at once', async () => {
	const { more, paid, scope } = await paying();
	const shown = await previewChange(scope, { planKey: more.key }, by);
	expect(shown).toMatchObject({ kind: 'upgrade', status: 'previewed' });
	const invoice = shownInvoice.parse(shown.lines);
	expect(invoice.lines).toHaveLength(2);
	expect(invoice.lines.reduce((sum, { amount }) => sum + amount, 0)).toBe(shown.amountDue);
	expect(shown.amountDue).toBeGreaterThan(0);
	expect(invoice.recurring).toBe(9_900);
	expect(await invoicesOf(paid.stripeSubscriptionId)).toHaveLength(1);

	const done = await order(shown);
	expect(done).toMatchObject({ status: 'applied', error: null });
	const [charged] = await invoicesOf(paid.stripeSubscriptionId);
	expect(charged).toMatchObject({
		id: done.stripeInvoiceId,
		status: 'paid',
		amount_paid: shown.amountDue
	});
	expect(await row(scope.id)).toMatchObject({ planId: more.id, amount: 9_900, mrr: 9_900 });
	expect(
		await db.invoice.findUnique({ where: { stripeInvoiceId: done.stripeInvoiceId! } })
	).toMatchObject({ status: 'paid', total: shown.amountDue, subscriptionId: scope.id });
	expect(await db.alert.count({ where: { rule: 'billing.charge-differs' } })).toBe(0);
	expect(await waitingJobs('provisioning.apply-plan')).toEqual([]);

	// Once more, by a second click or a job that was late: nothing happens.
	expect(await order(shown)).toMatchObject({ status: 'applied' });
	expect(await invoicesOf(paid.stripeSubscriptionId)).toHaveLength(2);
});

it('leaves everything as it was when the payment fails, and says what the bank said', async () => {
	const { more, paid, scope } = await paying('4000000000000341');
	const shown = await previewChange(scope, { planKey: more.key }, by);
	const done = await order(shown);
	expect(done).toMatchObject({ status: 'refused', error: 'PAYMENT_DECLINED' });
	expect(done.declineCode).toBeTruthy();
	expect(await row(scope.id)).toMatchObject({
		planId: shown.fromPlanId,
		mrr: MONTHLY,
		status: 'active'
	});
	const [unpaid] = await invoicesOf(paid.stripeSubscriptionId);
	expect(unpaid).toMatchObject({ status: 'void' });
	const current = await api.subscriptions.retrieve(paid.stripeSubscriptionId);
	expect(current.items.data[0]?.price.unit_amount).toBe(MONTHLY);
	// The next try begins anew.
	expect(await previewChange(scope, { planKey: more.key }, by)).toMatchObject({ kind: 'upgrade' });
});

it('waits while the bank wants the customer to confirm, and is done when they have', async () => {
	const { more, paid, scope } = await paying();
	await api.paymentMethods
		.attach('pm_card_authenticationRequired', {
			customer: paid.stripeCustomerId
		})
		.then(({ id }) =>
			api.subscriptions.update(paid.stripeSubscriptionId, { default_payment_method: id })
		);
	const shown = await previewChange(scope, { planKey: more.key }, by);
	const waiting = await order(shown);
	expect(waiting).toMatchObject({ status: 'waiting_payment' });
	expect(await row(scope.id)).toMatchObject({ planId: shown.fromPlanId });
	await expect(previewChange(scope, { planKey: more.key }, by)).rejects.toMatchObject({
		code: 'CHANGE_PENDING'
	});
	const { hosted_invoice_url: page } = await api.invoices.retrieve(waiting.stripeInvoiceId!);
	const card = { cardNumber: '4242 4242 4242 4242', cardExpiry: '12 / 40', cardCvc: '123' };
	await fetch(page!, { method: 'POST', body: new URLSearchParams(card) });
	await mirrorSubscription(paid.stripeSubscriptionId);
	expect(await settleChange(waiting.id)).toMatchObject({ status: 'applied' });
	expect(await row(scope.id)).toMatchObject({ planId: more.id });
});

it('charges nothing when the invoice would be another one by now', async () => {
	const { more, paid, scope } = await paying();
	const shown = await previewChange(scope, { planKey: more.key }, by);
	const coupon = await api.coupons.create({ percent_off: 50, duration: 'forever' });
	await api.subscriptions.update(paid.stripeSubscriptionId, { discounts: [{ coupon: coupon.id }] });
	const done = await order(shown);
	expect(done).toMatchObject({ status: 'refused', error: 'CHANGED_MEANWHILE' });
	expect(await invoicesOf(paid.stripeSubscriptionId)).toHaveLength(1);
});

it.each(['lost', 'never sent'])('makes a change once when the answer is %s', async (what) => {
	const { more, paid, scope } = await paying();
	const shown = await previewChange(scope, { planKey: more.key }, by);
	stripe.fault({
		match: `POST /v1/subscriptions/${paid.stripeSubscriptionId}`,
		kind: what === 'lost' ? 'reset' : 'status',
		...(what === 'lost' ? {} : { status: 503 }),
		times: 2
	});
	const first = await order(shown);
	expect(first.status).toBe('ordered');
	expect(await waitingJobs('billing.settle-change')).toContainEqual({ changeId: shown.id });
	stripe.kernel.faults.clear();
	expect(await settleChange(shown.id)).toMatchObject({ status: 'applied' });
	const invoices = await invoicesOf(paid.stripeSubscriptionId);
	expect(invoices).toHaveLength(2);
	expect(invoices[0]).toMatchObject({ amount_paid: shown.amountDue });
});

it('lets one of two who order at the same moment win', async () => {
	const { more, less, paid, scope } = await paying();
	const one = await previewChange(scope, { planKey: more.key }, by);
	const other = await previewChange(scope, { planKey: less.key }, by);
	const results = await Promise.allSettled([order(one), order(other)]);
	const codes = results.map((result) =>
		result.status === 'fulfilled' ? result.value.status : (result.reason as { code: string }).code
	);
	expect(codes).toContain('CHANGE_PENDING');
	expect(codes.filter((code) => code !== 'CHANGE_PENDING')).toHaveLength(1);
	expect((await invoicesOf(paid.stripeSubscriptionId)).length).toBeLessThanOrEqual(2);
});

it('makes a downgrade when the paid period ends, and takes it back until then', async () => {
	const { basic, less, paid, scope } = await paying();
	const shown = await previewChange(scope, { planKey: less.key }, by);
	expect(shown).toMatchObject({ kind: 'downgrade', amountDue: 0, prorationDate: null });
	const scheduled = await order(shown);
	expect(scheduled).toMatchObject({ status: 'scheduled' });
	const before = await row(scope.id);
	expect(scheduled.effectiveAt).toEqual(before.currentPeriodEnd);
	expect(before).toMatchObject({
		planId: basic.id,
		mrr: MONTHLY,
		scheduledPlanId: less.id,
		scheduledAt: before.currentPeriodEnd
	});
	await expect(previewChange(scope, { planKey: less.key }, by)).rejects.toMatchObject({
		code: 'CHANGE_PENDING'
	});
	const change = { changeId: scheduled.id, customerId: scope.customerId };
	expect(await undoChange(change, by)).toMatchObject({ status: 'undone' });
	expect(await undoChange(change, by)).toMatchObject({ status: 'undone' });
	expect(await row(scope.id)).toMatchObject({ scheduledPlanId: null, stripeScheduleId: null });
	const current = await api.subscriptions.retrieve(paid.stripeSubscriptionId);
	expect(current.schedule).toBeNull();
});

it('ends with the period, goes on again, and ends now', async () => {
	const { paid, scope } = await paying();
	const ending = await orderAct(scope, 'cancel_at_end', { reason: 'too dear' }, by);
	expect(ending).toMatchObject({ status: 'applied', reason: 'too dear' });
	const { cancelAt, currentPeriodEnd, status } = await row(scope.id);
	expect({ cancelAt, status }).toEqual({ cancelAt: currentPeriodEnd, status: 'active' });
	await expect(previewChange(scope, { quantity: 2 }, by)).rejects.toMatchObject({
		code: 'RESUME_FIRST'
	});
	expect(await orderAct(scope, 'resume', {}, by)).toMatchObject({ status: 'applied' });
	expect(await row(scope.id)).toMatchObject({ cancelAt: null, status: 'active' });
	expect(await orderAct(scope, 'cancel', {}, by)).toMatchObject({ status: 'applied' });
	expect(await row(scope.id)).toMatchObject({ status: 'cancelled', mrr: 0 });
	expect((await api.subscriptions.retrieve(paid.stripeSubscriptionId)).status).toBe('canceled');
	await expect(orderAct(scope, 'resume', {}, by)).rejects.toMatchObject({ code: 'WRONG_STATE' });
});

it('refuses what somebody else owns, what is no change, and what was shown too long ago', async () => {
	const mine = await paying();
	const theirs = await paying();
	const foreign = { id: mine.scope.id, customerId: theirs.scope.customerId };
	await expect(previewChange(foreign, { quantity: 2 }, by)).rejects.toMatchObject({
		code: 'NOT_FOUND'
	});
	await expect(previewChange(mine.scope, {}, by)).rejects.toMatchObject({ code: 'NO_CHANGE' });
	const shown = await previewChange(mine.scope, { quantity: 2 }, by);
	await expect(
		orderChange({ changeId: shown.id, customerId: theirs.scope.customerId }, by)
	).rejects.toMatchObject({ code: 'NOT_FOUND' });
	await db.subscriptionChange.update({
		where: { id: shown.id },
		data: { createdAt: new Date(Date.now() - 31 * 60_000) }
	});
	await expect(order(shown)).rejects.toMatchObject({ code: 'CHANGED_MEANWHILE' });
});
