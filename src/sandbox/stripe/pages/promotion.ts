import type { Account } from '../account.ts';
import { couponValue } from '../coupons.ts';
import type { Session } from '../state.ts';

/** Takes a typed code off an open session's total; false when the code is not valid. */
export function applyPromotion(account: Account, session: Session, code: string): boolean {
	const plan = account.state.plans[session.id];
	if (!plan?.allow_promotion_codes) return false;
	const promotion = account
		.all('promotion_codes')
		.find((row) => row.active && row.code.toLowerCase() === code.toLowerCase());
	const coupon = account.find('coupons', promotion?.promotion.coupon);
	if (!promotion || !coupon?.valid) return false;
	if (plan.discounts.includes(promotion.id)) return true;
	plan.discounts = [promotion.id];
	for (const line of plan.lines) {
		line.amount_total = line.amount_subtotal - couponValue(coupon, line.amount_subtotal);
	}
	session.amount_total = plan.lines.reduce((sum, line) => sum + line.amount_total, 0);
	const off = (session.amount_subtotal ?? 0) - session.amount_total;
	const details = { amount_discount: off, amount_shipping: 0, amount_tax: 0 };
	Object.assign(session, { total_details: details });
	account.changed();
	return true;
}
