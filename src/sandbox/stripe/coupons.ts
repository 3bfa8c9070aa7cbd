import { addInterval, type Account } from './account.ts';
import type { Operation } from './api.ts';
import { invalid, missing, noSuch } from './errors.ts';
import type { Form } from './form.ts';
import { createdIn, matching, page } from './paging.ts';
import type { Coupon, Discount, InvoiceLine, PromotionCode, Subscription } from './types.ts';

const FIVE_YEARS = 5 * 366 * 86_400;

export const coupons: Operation[] = [
	{
		method: 'POST',
		path: '/v1/coupons',
		run: ({ account, params }) => {
			const coupon = account.add('coupons', readCoupon(account, params));
			account.emit('coupon.created', coupon);
			return coupon;
		}
	},
	{
		method: 'GET',
		path: '/v1/coupons',
		run: ({ account, params }) => {
			const rows = account.all('coupons').filter((row) => !row.deleted);
			return page(params, rows.filter(createdIn(params)), '/v1/coupons');
		}
	},
	{
		method: 'GET',
		path: '/v1/coupons/:id',
		run: ({ account, path }) => liveCoupon(account, path.id ?? '', 'id')
	},
	{
		method: 'POST',
		path: '/v1/coupons/:id',
		run: ({ account, params, path }) => {
			const coupon = liveCoupon(account, path.id ?? '', 'id');
			if (params.has('name')) coupon.name = params.nullable('name') ?? null;
			coupon.metadata = params.metadata(coupon.metadata);
			account.emit('coupon.updated', coupon);
			return coupon;
		}
	},
	{
		method: 'DELETE',
		path: '/v1/coupons/:id',
		run: ({ account, path }) => {
			const coupon = liveCoupon(account, path.id ?? '', 'id');
			// Running discounts keep working, so the row stays.
			coupon.deleted = true;
			coupon.valid = false;
			account.emit('coupon.deleted', coupon);
			return { id: coupon.id, object: 'coupon', deleted: true };
		}
	},
	{
		method: 'POST',
		path: '/v1/promotion_codes',
		run: ({ account, params }) => {
			const promotion = params.object('promotion');
			if (!promotion) throw missing('promotion');
			if (promotion.required('type') !== 'coupon')
				throw invalid('Invalid promotion[type]', 'promotion[type]');
			const coupon = liveCoupon(account, promotion.required('coupon'), 'promotion[coupon]');
			const code = params.text('code') || account.id('', 8).toUpperCase();
			if (!/^[A-Za-z0-9-]+$/.test(code))
				throw invalid('Invalid code: only letters, digits and dashes.', 'code');
			if (account.all('promotion_codes').some((row) => row.active && same(row.code, code))) {
				throw invalid('An active promotion code with `code: ' + code + '` already exists.', 'code');
			}
			return account.add('promotion_codes', newPromotionCode(account, params, coupon, code));
		}
	},
	{
		method: 'GET',
		path: '/v1/promotion_codes',
		run: ({ account, params }) => {
			const rows = matching(params, account.all('promotion_codes'), ['active', 'customer'])
				.filter((row) => !params.has('code') || same(row.code, params.text('code') ?? ''))
				.filter((row) => !params.has('coupon') || row.promotion.coupon === params.text('coupon'));
			return page(params, rows.filter(createdIn(params)), '/v1/promotion_codes');
		}
	},
	{
		method: 'GET',
		path: '/v1/promotion_codes/:id',
		run: ({ account, path }) => account.get('promotion_codes', path.id ?? '')
	},
	{
		method: 'POST',
		path: '/v1/promotion_codes/:id',
		run: ({ account, params, path }) => {
			const code = account.get('promotion_codes', path.id ?? '');
			code.active = params.flag('active') ?? code.active;
			code.metadata = params.metadata(code.metadata);
			account.emit('promotion_code.updated', code);
			return code;
		}
	}
];

/** Redeems `discounts[]{coupon|promotion_code}`; the ids of the new discounts. */
export function redeem(
	account: Account,
	entries: Form[],
	holder: { customer: string | null; subscription: string | null; at: number }
): string[] {
	return entries.map((entry) => redeemOne(account, sourceOf(account, entry), holder).id);
}

export interface DiscountSource {
	coupon: Coupon;
	promotion: PromotionCode | null;
}

/** @throws StripeError when the coupon or code is unknown, inactive or used up */
export function sourceOf(account: Account, entry: Form): DiscountSource {
	const promotionId = entry.text('promotion_code');
	const promotion = promotionId
		? account.get('promotion_codes', promotionId, entry.param('promotion_code'))
		: null;
	if (promotion && !promotion.active)
		throw invalid('This promotion code is inactive.', entry.param('promotion_code'));
	const id = promotion?.promotion.coupon ?? entry.required('coupon');
	const coupon = liveCoupon(account, id, entry.param('coupon'));
	if (!coupon.valid)
		throw invalid(`Coupon expired: ${coupon.id}`, entry.param('coupon'), 'coupon_expired');
	return { coupon, promotion };
}

export function redeemOne(
	account: Account,
	{ coupon, promotion }: DiscountSource,
	holder: { customer: string | null; subscription: string | null; at: number }
): Discount {
	coupon.times_redeemed += 1;
	if (coupon.max_redemptions && coupon.times_redeemed >= coupon.max_redemptions)
		coupon.valid = false;
	if (promotion) promotion.times_redeemed += 1;
	const months = coupon.duration === 'repeating' ? (coupon.duration_in_months ?? 1) : null;
	const discount = account.add('discounts', {
		id: account.id('di_1', 23),
		object: 'discount',
		customer: holder.customer,
		end: months ? addInterval(holder.at, 'month', months) : null,
		promotion_code: promotion?.id ?? null,
		source: { type: 'coupon', coupon: coupon.id },
		start: holder.at,
		subscription: holder.subscription,
		...{
			checkout_session: null,
			customer_account: null,
			invoice: null,
			invoice_item: null,
			subscription_item: null
		}
	});
	account.emit('customer.discount.created', discount);
	return discount;
}

/** Takes the subscription's running discounts off the lines; what each took. Negative lines stay as they are. */
export function discountLines(
	account: Account,
	subscription: Subscription | null,
	lines: InvoiceLine[],
	at: number
): { amount: number; discount: string }[] {
	return (subscription?.discounts ?? []).flatMap((id) => {
		const discount = account.find('discounts', id);
		const coupon = account.find('coupons', discount?.source.coupon);
		if (!discount || !coupon || (discount.end !== null && discount.end <= at)) return [];
		const open = lines.filter((line) => line.amount > 0);
		const base = open.reduce((sum, line) => sum + rest(line), 0);
		const amount = couponValue(coupon, base);
		let left = amount;
		for (const [index, line] of open.entries()) {
			const share =
				index === open.length - 1 ? left : Math.round((amount * rest(line)) / Math.max(1, base));
			line.discount_amounts.push({ amount: share, discount: id });
			left -= share;
		}
		return [{ amount, discount: id }];
	});
}

/** A `once` discount is gone after the first invoice that it lowered. */
export function useUp(
	account: Account,
	used: { amount: number; discount: string }[],
	at: number
): void {
	for (const { amount, discount: id } of used) {
		const discount = account.find('discounts', id);
		const coupon = account.find('coupons', discount?.source.coupon);
		if (discount && coupon?.duration === 'once' && amount > 0) discount.end = at;
	}
}

export function couponValue(coupon: Coupon, base: number): number {
	const amount =
		coupon.percent_off === null
			? (coupon.amount_off ?? 0)
			: Math.round((base * coupon.percent_off) / 100);
	return Math.min(base, amount);
}

function rest(line: InvoiceLine): number {
	return line.amount - line.discount_amounts.reduce((sum, entry) => sum + entry.amount, 0);
}

function liveCoupon(account: Account, id: string, param: string): Coupon {
	const coupon = account.get('coupons', id, param);
	if (coupon.deleted) throw noSuch('coupon', id, param);
	if (coupon.redeem_by && coupon.redeem_by < account.now()) coupon.valid = false;
	return coupon;
}

function readCoupon(account: Account, params: Form): Coupon {
	const id = params.text('id') || account.id('', 8);
	if (account.find('coupons', id))
		throw invalid('Coupon already exists.', 'id', 'resource_already_exists');
	const percent = params.decimal('percent_off');
	const amount = params.integer('amount_off');
	if (percent === undefined && amount === undefined) {
		throw invalid('Must pass either `percent_off` or `amount_off`.', 'percent_off');
	}
	if (percent !== undefined && (percent <= 0 || percent > 100)) {
		throw invalid('Invalid percent_off: must be greater than 0 and at most 100.', 'percent_off');
	}
	const duration = params.choice('duration', ['once', 'repeating', 'forever']) ?? 'once';
	const months = params.integer('duration_in_months');
	if ((duration === 'repeating') !== (months !== undefined)) {
		throw invalid(
			'`duration_in_months` goes with `duration: repeating`, and only with it.',
			'duration_in_months'
		);
	}
	const redeemBy = params.integer('redeem_by');
	if (redeemBy && redeemBy > account.now() + FIVE_YEARS) {
		throw invalid('redeem_by must be within five years.', 'redeem_by');
	}
	const products = params.object('applies_to')?.texts('products');
	return {
		id,
		object: 'coupon',
		amount_off: amount ?? null,
		...(products ? { applies_to: { products } } : {}),
		created: account.now(),
		currency: amount === undefined ? null : params.required('currency'),
		duration,
		duration_in_months: months ?? null,
		max_redemptions: params.integer('max_redemptions') ?? null,
		metadata: params.metadata(),
		name: params.nullable('name') ?? null,
		percent_off: percent ?? null,
		redeem_by: redeemBy ?? null,
		times_redeemed: 0,
		valid: true,
		...{ livemode: false }
	};
}

function newPromotionCode(
	account: Account,
	params: Form,
	coupon: Coupon,
	code: string
): PromotionCode {
	const restrictions = params.object('restrictions');
	return {
		id: account.id('promo_1', 23),
		object: 'promotion_code',
		active: params.flag('active') ?? true,
		code,
		created: account.now(),
		customer: params.text('customer') ?? null,
		expires_at: params.integer('expires_at') ?? null,
		max_redemptions: params.integer('max_redemptions') ?? null,
		metadata: params.metadata(),
		promotion: { type: 'coupon', coupon: coupon.id },
		times_redeemed: 0,
		...{
			customer_account: null,
			livemode: false,
			restrictions: {
				first_time_transaction: restrictions?.flag('first_time_transaction') ?? false,
				minimum_amount: restrictions?.integer('minimum_amount') ?? null,
				minimum_amount_currency: restrictions?.text('minimum_amount_currency') ?? null
			}
		}
	};
}

function same(a: string, b: string): boolean {
	return a.toLowerCase() === b.toLowerCase();
}
