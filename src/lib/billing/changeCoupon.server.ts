import { now } from '#lib/core/clock.server.ts';
import { db } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import type { Coupon } from '#prisma/generated/client.ts';

/** The coupon that somebody typed, if it can be used now. @throws {AppError} COUPON_NOT_FOUND, beside the field `code` */
export async function usableCoupon(code: string): Promise<Coupon> {
	const coupon = await db.coupon.findFirst({
		where: {
			code: { equals: code.trim(), mode: 'insensitive' },
			active: true,
			stripeCouponId: { not: null },
			stripePromotionCodeId: { not: null },
			OR: [{ redeemBy: null }, { redeemBy: { gt: now() } }]
		}
	});
	const used = coupon?.maxRedemptions != null && coupon.timesRedeemed >= coupon.maxRedemptions;
	if (coupon && !used) return coupon;
	const { sentence } = new AppError('COUPON_NOT_FOUND');
	throw new AppError('COUPON_NOT_FOUND', { fields: { code: sentence } });
}
