import type Stripe from 'stripe';
import { now } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import { publish } from '#lib/core/live.server.ts';
import { log } from '#lib/core/log.server.ts';
import { isMissing, StripeVendorError } from '#lib/integrations/stripe/errors.ts';
import type { StripeClient } from '#lib/integrations/stripe/stripe.server.ts';
import { stripeClient } from '#lib/settings/clients.server.ts';
import type { Coupon } from '#prisma/generated/client.ts';
import { idOf } from './checkout.server.ts';

/** Ours, so that two who make it at the same time make one. */
export function stripeCouponId({ id }: Pick<Coupon, 'id'>): string {
	return `erpcore_${id}`;
}

/**
 * Makes a coupon at Stripe what ours says, with one promotion code, and reads both back. Looks first: it may run any
 * number of times. What Stripe refuses for good is noted with the coupon, for staff; anything else is tried again.
 */
export async function pushCoupon(couponId: string): Promise<void> {
	const coupon = await db.coupon.findUnique({ where: { id: couponId } });
	if (!coupon) return;
	const client = await stripeClient({ subjectId: coupon.id });
	try {
		const atStripe = (await existing(client, coupon)) ?? (await make(client, coupon));
		const different = differences(atStripe, coupon);
		if (different.length > 0) throw refused(`Stripe's coupon differs in ${different.join(', ')}`);
		const promotion = await ensureCode(client, coupon, atStripe.id);
		await note(coupon, atStripe, promotion, null);
	} catch (error) {
		if (!(error instanceof StripeVendorError)) throw error;
		await db.coupon.update({
			where: { id: coupon.id },
			data: { error: error.message.slice(0, 500), checkedAt: now() }
		});
		await db.$transaction((tx) => publish(tx, 'staff:billing', coupon.id));
		if (error.kind === 'lost' || error.kind === 'vendor' || error.kind === 'busy') throw error;
		log.warn({ err: error, couponId }, 'Stripe does not take a coupon');
	}
	// Deactivated while it was being made: once more.
	const { active } = await db.coupon.findUniqueOrThrow({ where: { id: coupon.id } });
	if (active !== coupon.active) await pushCoupon(couponId);
}

async function existing(client: StripeClient, coupon: Coupon): Promise<Stripe.Coupon | null> {
	try {
		return await client.coupons.retrieve(stripeCouponId(coupon));
	} catch (error) {
		if (isMissing(error)) return null;
		throw error;
	}
}

async function make(client: StripeClient, coupon: Coupon): Promise<Stripe.Coupon> {
	const id = stripeCouponId(coupon);
	const params: Stripe.CouponCreateParams = {
		id,
		name: coupon.name,
		duration: coupon.duration,
		metadata: { coupon_id: coupon.id },
		...(coupon.percentBasisPoints === null
			? { amount_off: coupon.amount ?? 0, currency: coupon.currency ?? 'usd' }
			: { percent_off: coupon.percentBasisPoints / 100 }),
		...(coupon.months !== null && { duration_in_months: coupon.months }),
		...(coupon.maxRedemptions !== null && { max_redemptions: coupon.maxRedemptions }),
		...(coupon.redeemBy && { redeem_by: seconds(coupon.redeemBy) })
	};
	try {
		await client.coupons.create(params, `coupon:${coupon.id}:${coupon.updatedAt.getTime()}`);
	} catch (error) {
		if (!(error instanceof StripeVendorError && error.code === 'resource_already_exists'))
			throw error;
	}
	return client.coupons.retrieve(id);
}

/** What Stripe's coupon says otherwise, by Stripe's names. */
function differences(found: Stripe.Coupon, coupon: Coupon): string[] {
	const pairs: [string, unknown, unknown][] = [
		[
			'percent_off',
			found.percent_off,
			coupon.percentBasisPoints && coupon.percentBasisPoints / 100
		],
		['amount_off', found.amount_off, coupon.amount],
		['currency', found.currency, coupon.currency],
		['duration', found.duration, coupon.duration],
		['duration_in_months', found.duration_in_months, coupon.months],
		['max_redemptions', found.max_redemptions, coupon.maxRedemptions],
		['redeem_by', found.redeem_by, coupon.redeemBy && seconds(coupon.redeemBy)]
	];
	return pairs.flatMap(([name, theirs, ours]) => ((theirs ?? null) === ours ? [] : [name]));
}

/** The one promotion code of a coupon, active exactly when ours is. */
async function ensureCode(
	client: StripeClient,
	coupon: Coupon,
	stripeCoupon: string
): Promise<Stripe.PromotionCode | null> {
	const look = async () => {
		const all = await client.promotionCodes.byCode(coupon.code);
		return {
			own: all.find((one) => idOf(one.promotion.coupon) === stripeCoupon) ?? null,
			other: all.find((one) => one.active && idOf(one.promotion.coupon) !== stripeCoupon)
		};
	};
	const { own, other } = await look();
	if (!own && !coupon.active) return null;
	if (coupon.active && other && !own?.active)
		throw refused(`the code ${coupon.code} is another coupon's at Stripe (${other.id})`);
	const moment = coupon.updatedAt.getTime();
	if (!own)
		await client.promotionCodes.create(
			{
				promotion: { type: 'coupon', coupon: stripeCoupon },
				code: coupon.code,
				metadata: { coupon_id: coupon.id }
			},
			`promotion:${coupon.id}:${moment}`
		);
	else if (own.active !== coupon.active && !isOver(coupon))
		await client.promotionCodes.update(
			own.id,
			{ active: coupon.active },
			`promotion:${coupon.id}:${coupon.active}:${moment}`
		);
	const after = (await look()).own;
	if (after && (after.active === coupon.active || isOver(coupon))) return after;
	throw new StripeVendorError({
		operation: 'promotionCodes.create',
		kind: 'vendor',
		message: `the code ${coupon.code} is not at Stripe what was asked for`,
		retryable: true
	});
}

/** Stripe ends the codes of a coupon that is over or used up by itself. */
function isOver(coupon: Coupon): boolean {
	const usedUp = coupon.maxRedemptions !== null && coupon.timesRedeemed >= coupon.maxRedemptions;
	return usedUp || (coupon.redeemBy !== null && coupon.redeemBy <= now());
}

async function note(
	coupon: Coupon,
	{ id, times_redeemed }: Stripe.Coupon,
	promotion: Stripe.PromotionCode | null,
	error: string | null
): Promise<void> {
	await transaction(async (tx) => {
		await tx.coupon.update({
			where: { id: coupon.id },
			data: {
				stripeCouponId: id,
				...(promotion && { stripePromotionCodeId: promotion.id }),
				timesRedeemed: times_redeemed,
				checkedAt: now(),
				error
			}
		});
		await publish(tx, 'staff:billing', coupon.id);
	});
}

/** Reads every coupon that may still change: how often it was used, and whether Stripe says what we say. */
export async function refreshCoupons(): Promise<void> {
	const rows = await db.coupon.findMany({
		where: { OR: [{ active: true }, { error: { not: null } }] },
		select: { id: true }
	});
	for (const { id } of rows)
		await transaction((tx) => enqueue(tx, 'billing.push-coupon', { couponId: id }, { key: id }));
}

function refused(message: string): StripeVendorError {
	return new StripeVendorError({ operation: 'coupons.retrieve', kind: 'refused', message });
}

function seconds(at: Date): number {
	return Math.floor(at.getTime() / 1000);
}
