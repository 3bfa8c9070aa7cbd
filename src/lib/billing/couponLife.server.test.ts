import { beforeEach, expect, it, vi } from 'vitest';
import { aPlan, type PlanFacts } from '../../../tests/factories/plans.ts';
import { listenToBilling } from '../../../tests/setup/billing.ts';
import { testDatabase } from '../../../tests/setup/database.ts';
import { testQueue } from '../../../tests/setup/queue.ts';
import { testStripe } from '../../../tests/setup/stripe.ts';
import { movements, subscriber } from '../../../tests/setup/subscriber.ts';
import { testTime } from '../../../tests/setup/time.ts';
import { after, HOUR } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { SYSTEM } from '#lib/logs/audit.server.ts';
import { changeActForms } from './changeActForms.server.ts';
import { previewChange, shownInvoice } from './changePreview.server.ts';
import { changeView } from './changeView.server.ts';
import { orderAct, orderChange } from './changes.server.ts';
import type { NewCoupon } from './couponForms.ts';
import { pushCoupon } from './couponSync.server.ts';
import { couponByCode, createCoupon } from './coupons.server.ts';
import './jobs.server.ts';
import { subscriptionsOf } from './subscriptionDetail.server.ts';

vi.setConfig({ testTimeout: 60_000 });
await testDatabase();
const stripe = await testStripe();
listenToBilling();
await testQueue({ work: false });
const time = testTime(stripe);
const { api } = stripe;
const by = SYSTEM;

beforeEach(() => time.endAll());

async function coupon(facts: Partial<NewCoupon> & { code: string }) {
	const made = await transaction((tx) =>
		createCoupon(
			tx,
			{
				...{ name: facts.code, duration: 'once', months: null },
				...{ percentBasisPoints: null, amount: null, currency: null },
				...{ maxRedemptions: null, redeemBy: null },
				...facts
			},
			{ by }
		)
	);
	await pushCoupon(made.id);
	return db.coupon.findUniqueOrThrow({ where: { id: made.id } });
}

const subscribed = (facts: PlanFacts, promotion?: string) =>
	subscriber(stripe, time, facts, { promotion });
const row = (id: string) => db.subscription.findUniqueOrThrow({ where: { id } });
const shownOf = async ({ id, customerId }: { id: string; customerId: string }) =>
	(await subscriptionsOf(db, customerId, id))[0]!;
/** What each invoice came to, the oldest first, as we have it; Stripe says the same. */
async function totals(scope: { id: string }, atStripe: string): Promise<number[]> {
	const ours = await db.invoice.findMany({
		where: { subscriptionId: scope.id },
		orderBy: { createdAt: 'asc' }
	});
	const theirs = (await api.invoices.list({ subscription: atStripe, limit: 100 })).data;
	expect(ours.map(({ amountPaid }) => amountPaid).toSorted()).toEqual(
		theirs.map(({ amount_paid: paid }) => paid).toSorted()
	);
	return ours.map(({ total }) => total);
}
async function renew(scope: { id: string }): Promise<void> {
	const { currentPeriodEnd } = await row(scope.id);
	await time.pass(after(currentPeriodEnd!, 1.1 * HOUR));
}
const moved = async (subscriptionId: string) =>
	(await movements(subscriptionId)).map(({ kind, amount }) => [kind, amount]);

it('takes a code of the first cycles off exactly those, from Checkout on, in pesos without cents', async () => {
	await coupon({
		...{ code: 'DOS-MESES', name: 'Dos meses', percentBasisPoints: 3_333 },
		...{ duration: 'repeating', months: 2 }
	});
	const { scope, atStripe } = await subscribed(
		{ amount: 9_990, currency: 'clp' },
		' dos-meses '.trim()
	);
	// 33.33 % of 9 990 pesos are 3 329.667.
	const off = 3_330;
	expect(await totals(scope, atStripe)).toEqual([9_990 - off]);
	// What ends by itself is no less MRR.
	expect(await row(scope.id)).toMatchObject({ currency: 'clp', amount: 9_990, mrr: 9_990 });
	const [discount] = (await shownOf(scope)).discounts;
	expect(discount).toMatchObject({ name: 'Dos meses', duration: 'repeating' });

	// More users now: the preview shows what the code takes off, and that is what is charged.
	const shown = await previewChange(scope, { quantity: 2 }, by);
	const invoice = shownInvoice.parse(shown.lines);
	expect(invoice.discount).toBeGreaterThan(0);
	expect(invoice.subtotal - invoice.discount + invoice.tax).toBe(invoice.total);
	expect(Number.isInteger(shown.amountDue)).toBe(true);
	expect((await changeView(db, shown)).discounts).toMatchObject([{ name: 'Dos meses' }]);
	await orderChange({ changeId: shown.id, customerId: scope.customerId }, by);
	await time.hear();

	await renew(scope);
	await renew(scope);
	await renew(scope);
	const all = await totals(scope, atStripe);
	// 33.33 % of 19 980 are 6 659.334.
	expect(all.slice(2)).toEqual([19_980 - 6_659, 19_980, 19_980]);
	expect((await shownOf(scope)).discounts).toEqual([]);
	expect(await row(scope.id)).toMatchObject({ mrr: 19_980 });
	expect(await moved(scope.id)).toEqual([
		['new', 9_990],
		['expansion', 9_990]
	]);
});

it('takes a code for ever off every invoice and the MRR, typed in the portal, over a downgrade too', async () => {
	await coupon({
		...{ code: 'SIEMPRE', name: 'Siempre', duration: 'forever' },
		percentBasisPoints: 1_250
	});
	const { scope, atStripe } = await subscribed({ amount: 99_999, currency: 'pyg' });
	const type = (code: string) => {
		const body = new URLSearchParams({ subscription_id: scope.id, code });
		const request = new Request('http://x/', { method: 'POST', body });
		return changeActForms.coupon(request, { customerId: scope.customerId, by });
	};
	expect(JSON.stringify(await type('nada'))).toContain('code');
	expect((await row(scope.id)).mrr).toBe(99_999);
	await type(' siempre ');
	await time.hear();
	// 87.5 % of 99 999 guaraníes are 87 499.125 a month.
	expect(await row(scope.id)).toMatchObject({ mrr: 87_499 });
	const less = await aPlan({ amount: 50_001, currency: 'pyg' });
	const shown = await previewChange(scope, { planKey: less.key }, by);
	expect((await changeView(db, shown)).discounts).toEqual([{ name: 'Siempre', endsAt: null }]);
	await orderChange({ changeId: shown.id, customerId: scope.customerId }, by);
	await renew(scope);
	await renew(scope);
	// 12.5 % of 50 001 are 6 250.125.
	const each = 50_001 - 6_250;
	expect(await totals(scope, atStripe)).toEqual([99_999, each, each]);
	expect(await row(scope.id)).toMatchObject({ planId: less.id, mrr: each });
	expect(await moved(scope.id)).toEqual([
		['new', 99_999],
		['contraction', 87_499 - 99_999],
		['contraction', each - 87_499]
	]);
	expect((await shownOf(scope)).discounts).toMatchObject([{ name: 'Siempre', endsAt: null }]);
});

it('takes a code once off the next invoice alone, as the API gives it, and in its currency alone', async () => {
	await coupon({ code: 'UNA-VEZ', duration: 'once', amount: 1_000, currency: 'clp' });
	const { scope, atStripe } = await subscribed({ amount: 5_000, currency: 'clp' });
	await expect(couponByCode(db, 'UNA-VEZ', { currency: 'usd' })).rejects.toMatchObject({
		code: 'COUPON_NOT_FOUND'
	});
	const { id: couponId } = await couponByCode(db, 'una-vez', await row(scope.id));
	expect(await orderAct(scope, 'coupon', { couponId }, by)).toMatchObject({ status: 'applied' });
	await renew(scope);
	await renew(scope);
	expect(await totals(scope, atStripe)).toEqual([5_000, 4_000, 5_000]);
	expect(await moved(scope.id)).toEqual([['new', 5_000]]);
	expect((await shownOf(scope)).discounts).toEqual([]);
});

it('gives a month for nothing, without anybody leaving and coming back', async () => {
	const { scope, atStripe } = await subscribed({ amount: 5_000 });
	const { currentPeriodEnd } = await row(scope.id);
	const until = after(currentPeriodEnd!, 30 * 24 * HOUR);
	expect(await orderAct(scope, 'trial', { until, reason: 'sorry' }, by)).toMatchObject({
		status: 'applied'
	});
	await time.hear();
	// What is tried is worth nothing, but it is no churn: nobody cancelled.
	expect(await row(scope.id)).toMatchObject({ status: 'active', mrr: 0 });
	await time.pass(after(until, 1.1 * HOUR));
	expect(await row(scope.id)).toMatchObject({ status: 'active', mrr: 5_000 });
	expect(await moved(scope.id)).toEqual([
		['new', 5_000],
		['contraction', -5_000],
		['reactivation', 5_000]
	]);
	expect((await totals(scope, atStripe)).filter((total) => total > 0)).toEqual([5_000, 5_000]);
});
