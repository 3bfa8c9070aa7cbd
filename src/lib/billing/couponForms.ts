import { z } from 'zod';
import { m } from '#i18n/paraglide/messages.js';
import { isCurrency, parseAmount } from '#lib/plans/currencies.ts';

/** What people type at the checkout; Stripe takes letters, digits and dashes. */
export const CODE = /^[A-Z0-9-]{3,40}$/;

const whole = (most: number) =>
	z
		.string()
		.trim()
		.transform((text, context) => {
			if (text === '') return null;
			const value = Number(text);
			if (/^\d+$/.test(text) && value >= 1 && value <= most) return value;
			context.addIssue({ code: 'custom', message: m.coupon_whole_number({ max: most }) });
			return z.NEVER;
		});

/** A percentage with at most two decimals, as hundredths of a percent. */
function basisPoints(text: string): number | null {
	const parts = /^(\d{1,3})(?:[.,](\d{1,2}))?\s*%?$/.exec(text.trim());
	if (!parts) return null;
	const value = Number(parts[1]) * 100 + Number((parts[2] ?? '').padEnd(2, '0'));
	return value >= 1 && value <= 10_000 ? value : null;
}

/** A day that is over at its end, in UTC; at most five years ahead, as Stripe has it. */
const lastDay = z
	.string()
	.trim()
	.transform((text, context) => {
		if (text === '') return null;
		const at = new Date(`${text}T23:59:59Z`);
		const years = (at.getTime() - Date.now()) / (365 * 86_400_000);
		if (/^\d{4}-\d\d-\d\d$/.test(text) && years > 0 && years < 5) return at;
		context.addIssue({ code: 'custom', message: m.coupon_bad_day() });
		return z.NEVER;
	});

/** What staff type for a new coupon: either a percentage or an amount of a currency. */
export const newCouponForm = z
	.object({
		code: z
			.string()
			.trim()
			.toUpperCase()
			.regex(CODE, { error: () => m.coupon_bad_code() }),
		name: z
			.string()
			.trim()
			.min(1)
			.max(40, { error: () => m.signup_too_long({ max: 40 }) }),
		kind: z.enum(['percent', 'amount']).default('percent'),
		percent: z.string().default(''),
		amount: z.string().default(''),
		currency: z.string().default('usd'),
		duration: z.enum(['once', 'repeating', 'forever']).default('once'),
		months: whole(36).default(null),
		max_redemptions: whole(1_000_000).default(null),
		redeem_by: lastDay.default(null)
	})
	.transform((given, context) => {
		const wrong = (field: string, message: string) =>
			context.addIssue({ code: 'custom', path: [field], message });
		const { kind, percent, amount, currency, ...rest } = given;
		const money = kind === 'amount';
		const percentBasisPoints = money ? null : basisPoints(percent);
		const known = isCurrency(currency) ? currency : null;
		const minor = money && known ? parseAmount(amount, known) : null;
		if (!money && percentBasisPoints === null) wrong('percent', m.coupon_bad_percent());
		if (money && !known) wrong('currency', m.field_invalid());
		if (money && known && !minor) wrong('amount', m.plans_bad_amount());
		if (rest.duration === 'repeating' && rest.months === null)
			wrong('months', m.coupon_months_needed());
		return {
			...{ code: rest.code, name: rest.name, duration: rest.duration },
			percentBasisPoints,
			amount: minor,
			currency: money ? known : null,
			months: rest.duration === 'repeating' ? rest.months : null,
			maxRedemptions: rest.max_redemptions,
			redeemBy: rest.redeem_by
		};
	});

export type NewCoupon = z.output<typeof newCouponForm>;

export const oneCouponForm = z.object({ coupon: z.uuid() });
/** The code is typed once more: nobody can use it any more. */
export const deactivateCouponForm = oneCouponForm.extend({ confirm: z.string().trim() });
