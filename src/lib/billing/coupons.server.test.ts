import { beforeEach, expect, it } from 'vitest';
import { testDatabase } from '../../../tests/setup/database.ts';
import { testQueue } from '../../../tests/setup/queue.ts';
import { testStripe } from '../../../tests/setup/stripe.ts';
import { aSignup } from '../../../tests/factories/billing.ts';
import { aPlan } from '../../../tests/factories/plans.ts';
import { after, DAY, now } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { SYSTEM } from '#lib/logs/audit.server.ts';
import { ensureStripePrice } from '#lib/plans/plans.server.ts';
import type { Coupon } from '#prisma/generated/client.ts';
import { createCheckoutSession } from './checkout.server.ts';
import { newCouponForm, type NewCoupon } from './couponForms.ts';
import './couponJobs.server.ts';
import { listCoupons } from './couponList.server.ts';
import { couponByCode, couponState, createCoupon, deactivateCoupon } from './coupons.server.ts';
import { pushCoupon, refreshCoupons, stripeCouponId } from './couponSync.server.ts';
import './jobs.server.ts';

await testDatabase();
const stripe = await testStripe();
await testQueue({ work: false });
const by = SYSTEM;
let made = 0;
beforeEach(() => stripe.forget());

const facts = (more: Partial<NewCoupon> = {}): NewCoupon => ({
	...{ code: `CODE-${++made}`, name: 'Bienvenida', duration: 'once', months: null },
	...{ percentBasisPoints: 1250, amount: null, currency: null },
	...{ maxRedemptions: null, redeemBy: null },
	...more
});
const make = (more?: Partial<NewCoupon>) =>
	transaction((tx) => createCoupon(tx, facts(more), { by }));
const fresh = ({ id }: Coupon) => db.coupon.findUniqueOrThrow({ where: { id } });
const promotions = (code: string) =>
	stripe.server.account.all('promotion_codes').filter((row) => row.code === code);

it('brings a coupon with its code to Stripe, reads both back, and takes the code away again', async () => {
	const coupon = await make({
		...{ duration: 'repeating', months: 3, maxRedemptions: 10 },
		redeemBy: after(now(), 30 * DAY)
	});
	expect(couponState(coupon, now())).toBe('sending');
	await expect(couponByCode(db, coupon.code)).rejects.toMatchObject({ code: 'COUPON_NOT_FOUND' });
	await Promise.all([
		pushCoupon(coupon.id),
		pushCoupon(coupon.id).catch(() => pushCoupon(coupon.id))
	]);
	const atStripe = await stripe.api.coupons.retrieve(stripeCouponId(coupon));
	expect(atStripe).toMatchObject({
		...{ percent_off: 12.5, duration: 'repeating', duration_in_months: 3, max_redemptions: 10 },
		name: 'Bienvenida'
	});
	expect(promotions(coupon.code)).toHaveLength(1);
	expect((await couponByCode(db, ` ${coupon.code.toLowerCase()} `)).id).toBe(coupon.id);
	expect(await fresh(coupon)).toMatchObject({ error: null, stripeCouponId: atStripe.id });

	await transaction((tx) => deactivateCoupon(tx, coupon.id, { by }));
	await transaction((tx) => deactivateCoupon(tx, coupon.id, { by }));
	await pushCoupon(coupon.id);
	expect(promotions(coupon.code)[0]).toMatchObject({ active: false });
	await expect(couponByCode(db, coupon.code)).rejects.toMatchObject({ code: 'COUPON_NOT_FOUND' });
	const entries = await db.auditEntry.findMany({ where: { subjectId: coupon.id } });
	expect(entries).toHaveLength(2);
	stripe.forget();
	await pushCoupon(coupon.id);
	expect(stripe.calls().filter((line) => line.startsWith('POST'))).toEqual([]);
});

it.each([
	['POST /v1/coupons', { kind: 'status', status: 500 }],
	['POST /v1/coupons', { kind: 'reset', when: 'after', times: 2 }],
	['POST /v1/promotion_codes', { kind: 'reset', when: 'after', times: 2 }],
	['POST /v1/promotion_codes', { kind: 'malformed', when: 'after' }]
] as const)('makes one of each although Stripe fails once (%s %j)', async (match, fault) => {
	const coupon = await make({ percentBasisPoints: null, amount: 5_000, currency: 'clp' });
	stripe.fault({ match, ...fault });
	await pushCoupon(coupon.id).catch(() => undefined);
	await pushCoupon(coupon.id);
	expect(promotions(coupon.code)).toHaveLength(1);
	expect(await fresh(coupon)).toMatchObject({ error: null });
	expect(await stripe.api.coupons.retrieve(stripeCouponId(coupon))).toMatchObject({
		...{ amount_off: 5_000, currency: 'clp' }
	});
	expect((await couponByCode(db, coupon.code, { currency: 'clp' })).id).toBe(coupon.id);
	await expect(couponByCode(db, coupon.code, { currency: 'usd' })).rejects.toMatchObject({
		code: 'COUPON_NOT_FOUND'
	});
});

it('says that a code is taken: by ours beside the field, by somebody else’s at Stripe with the coupon', async () => {
	const first = await make();
	await expect(make({ code: first.code.toLowerCase() })).rejects.toMatchObject({
		fields: { code: expect.stringContaining(first.code.toLowerCase()) }
	});
	const theirs = await stripe.api.coupons.create({ percent_off: 5, duration: 'once' });
	await stripe.api.promotionCodes.create({
		promotion: { type: 'coupon', coupon: theirs.id },
		code: 'TAKEN-1'
	});
	const coupon = await make({ code: 'TAKEN-1' });
	await pushCoupon(coupon.id);
	expect(await fresh(coupon)).toMatchObject({ error: expect.stringContaining('TAKEN-1') });
	const failed = await listCoupons(db, list({ state: 'failed' }));
	expect(failed.rows.map(({ id }) => id)).toContain(coupon.id);
	const [other] = promotions('TAKEN-1');
	await stripe.api.promotionCodes.update(other!.id, { active: false });
	await pushCoupon(coupon.id);
	expect(await fresh(coupon)).toMatchObject({ error: null });
});

const list = (filters: Record<string, string>) => ({
	...{ q: '', sort: { key: 'created_at', direction: 'desc' as const }, page: 1, pageSize: 50 },
	...{ cursor: null, filters }
});

it('lets people type codes at Checkout, and counts how often one was used', async () => {
	const coupon = await make({ maxRedemptions: 1 });
	await pushCoupon(coupon.id);
	const plan = await aPlan({ amount: 4_000 });
	const signup = await aSignup({ planId: plan.id });
	const session = await createCheckoutSession({
		...{ signupId: signup.id, attempt: 1, email: signup.email, locale: 'es', metadata: {} },
		...{ priceId: await ensureStripePrice(plan.prices[0]!.id) },
		...{ successUrl: 'http://localhost/s', cancelUrl: 'http://localhost/c' },
		expiresAt: after(now(), 31 * 60_000)
	});
	expect(await stripe.api.checkout.sessions.retrieve(session.id)).toMatchObject({
		allow_promotion_codes: true
	});
	const customer = await stripe.api.customers.create({ email: signup.email });
	const card = await stripe.api.paymentMethods.create({
		type: 'card',
		card: { token: 'tok_visa' }
	});
	await stripe.api.paymentMethods.attach(card.id, { customer: customer.id });
	const { stripePromotionCodeId } = await fresh(coupon);
	await stripe.api.subscriptions.create({
		...{ customer: customer.id, default_payment_method: card.id },
		items: [{ price: await ensureStripePrice(plan.prices[0]!.id) }],
		discounts: [{ promotion_code: stripePromotionCodeId! }]
	});
	await pushCoupon(coupon.id);
	expect(await fresh(coupon)).toMatchObject({ timesRedeemed: 1, error: null });
	expect(couponState(await fresh(coupon), now())).toBe('used_up');
	await expect(couponByCode(db, coupon.code)).rejects.toMatchObject({ code: 'COUPON_NOT_FOUND' });
	await refreshCoupons();
	const used = await listCoupons(db, list({ state: 'used_up' }));
	expect(used.rows.map(({ id }) => id)).toEqual([coupon.id]);
});

it('says beside the field what is wrong, and reads what is right', () => {
	const wrong = (given: Record<string, string>) => {
		const parsed = newCouponForm.safeParse({ code: 'HOLA', name: 'x', percent: '10', ...given });
		return parsed.success ? [] : parsed.error.issues.map(({ path }) => path.join('.'));
	};
	expect(wrong({ code: 'a b' })).toEqual(['code']);
	expect(wrong({ percent: '0' })).toEqual(['percent']);
	expect(wrong({ percent: '100,01' })).toEqual(['percent']);
	expect(wrong({ kind: 'amount', amount: '', currency: 'usd' })).toEqual(['amount']);
	expect(wrong({ kind: 'amount', amount: '10,5', currency: 'clp' })).toEqual(['amount']);
	expect(wrong({ kind: 'amount', amount: '10', currency: 'zzz' })).toEqual(['currency']);
	expect(wrong({ duration: 'repeating' })).toEqual(['months']);
	expect(wrong({ max_redemptions: '0' })).toEqual(['max_redemptions']);
	expect(wrong({ redeem_by: '2020-01-01' })).toEqual(['redeem_by']);
	expect(
		newCouponForm.parse({
			code: 'hola',
			name: 'x',
			percent: '12,5 %',
			duration: 'forever',
			months: '4'
		})
	).toMatchObject({ code: 'HOLA', percentBasisPoints: 1250, amount: null, months: null });
	expect(
		newCouponForm.parse({
			code: 'hola',
			name: 'x',
			kind: 'amount',
			amount: '9.990',
			currency: 'clp'
		})
	).toMatchObject({ percentBasisPoints: null, amount: 9_990, currency: 'clp' });
});
