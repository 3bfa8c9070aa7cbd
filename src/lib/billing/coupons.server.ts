import { now } from '#lib/core/clock.server.ts';
import { isUniqueViolation, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import { audit, type Actor } from '#lib/logs/audit.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { Coupon } from '#prisma/generated/client.ts';
import type { NewCoupon } from './couponForms.ts';

declare module '#lib/core/queue.server.ts' {
	interface JobMap {
		'billing.push-coupon': { couponId: string };
		'billing.refresh-coupons': Record<string, never>;
	}
}

/**
 * Notes a coupon; a job brings it to Stripe, where people may use it from then on.
 * @throws {AppError} BAD_INPUT when the code is taken, whatever its case
 */
export async function createCoupon(tx: Tx, input: NewCoupon, act: { by: Actor }): Promise<Coupon> {
	const taken = () =>
		new AppError('BAD_INPUT', { fields: { code: m.coupon_code_taken({ code: input.code }) } });
	// A violation would end the caller's transaction, and be told only after all of it.
	if (await tx.coupon.count({ where: { code: { equals: input.code, mode: 'insensitive' } } }))
		throw taken();
	const coupon = await tx.coupon.create({ data: input }).catch((error: unknown) => {
		throw isUniqueViolation(error) ? taken() : error;
	});
	await audit(tx, {
		actor: act.by,
		action: 'billing.create-coupon',
		subject: { type: 'coupon', id: coupon.id },
		after: { ...input, redeemBy: input.redeemBy?.toISOString() ?? null }
	});
	await push(tx, coupon.id);
	return coupon;
}

/** Nobody can use the code any more; discounts that run go on. Once is enough. @throws {AppError} NOT_FOUND */
export async function deactivateCoupon(tx: Tx, id: string, act: { by: Actor }): Promise<Coupon> {
	const coupon = await findCoupon(tx, id);
	const { count } = await tx.coupon.updateMany({
		where: { id, active: true },
		data: { active: false }
	});
	if (count === 0) return coupon;
	await audit(tx, {
		actor: act.by,
		action: 'billing.deactivate-coupon',
		subject: { type: 'coupon', id },
		before: { code: coupon.code, active: true },
		after: { active: false }
	});
	await push(tx, id);
	return { ...coupon, active: false };
}

/** Sends to Stripe again what it did not take. @throws {AppError} NOT_FOUND */
export async function retryCoupon(tx: Tx, id: string, act: { by: Actor }): Promise<void> {
	const coupon = await findCoupon(tx, id);
	await audit(tx, {
		actor: act.by,
		action: 'billing.retry-coupon',
		subject: { type: 'coupon', id },
		before: { error: coupon.error }
	});
	await push(tx, id);
}

/** @throws {AppError} NOT_FOUND */
export async function findCoupon(tx: Tx, id: string): Promise<Coupon> {
	const coupon = await tx.coupon.findUnique({ where: { id } });
	if (!coupon) throw new AppError('NOT_FOUND');
	return coupon;
}

/**
 * The coupon that somebody typed the code of, when it can be given now. Stripe decides once more, under its own lock.
 * @param use currency of what it is for: an amount is worth something in its own alone
 * @throws {AppError} COUPON_NOT_FOUND for what does not exist, is over, used up, or not at Stripe
 */
export async function couponByCode(
	tx: Tx,
	code: string,
	use: { currency?: string } = {}
): Promise<Coupon> {
	const coupon = await tx.coupon.findFirst({
		where: { code: { equals: code.trim(), mode: 'insensitive' }, active: true }
	});
	const usable =
		coupon?.stripePromotionCodeId &&
		couponState(coupon, now()) === 'active' &&
		(!coupon.currency || !use.currency || coupon.currency === use.currency);
	if (!coupon || !usable) throw new AppError('COUPON_NOT_FOUND');
	return coupon;
}

/** What a coupon is now: `sending` is on its way to Stripe, `failed` is what Stripe did not take. */
export type CouponState = 'active' | 'sending' | 'failed' | 'inactive' | 'expired' | 'used_up';

export function couponState(coupon: Coupon, at: Date): CouponState {
	if (coupon.error) return 'failed';
	if (!coupon.active) return 'inactive';
	if (coupon.redeemBy && coupon.redeemBy <= at) return 'expired';
	if (coupon.maxRedemptions !== null && coupon.timesRedeemed >= coupon.maxRedemptions)
		return 'used_up';
	return coupon.stripePromotionCodeId ? 'active' : 'sending';
}

function push(tx: Tx, couponId: string): Promise<void> {
	return enqueue(tx, 'billing.push-coupon', { couponId }, { key: couponId });
}
