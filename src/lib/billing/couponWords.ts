import { m } from '#i18n/paraglide/messages.js';
import { money, number, percent } from '#lib/ui/format.ts';
import type { Tone } from '#lib/ui/tone.ts';
import type { Coupon } from '#prisma/generated/client.ts';
import type { CouponState } from './coupons.server.ts';

const STATES: Record<CouponState, { label: () => string; tone: Tone }> = {
	active: { label: m.coupon_state_active, tone: 'success' },
	sending: { label: m.coupon_state_sending, tone: 'info' },
	failed: { label: m.coupon_state_failed, tone: 'danger' },
	inactive: { label: m.coupon_state_inactive, tone: 'neutral' },
	expired: { label: m.coupon_state_expired, tone: 'neutral' },
	used_up: { label: m.coupon_state_used_up, tone: 'neutral' }
};

export const COUPON_STATES = [
	'active',
	'sending',
	'failed',
	'used_up',
	'expired',
	'inactive'
] as const;

/** What a coupon is now, for Badge. */
export function couponStateBadge(state: CouponState): { label: string; tone: Tone } {
	return { label: STATES[state].label(), tone: STATES[state].tone };
}

type Worth = Pick<Coupon, 'percentBasisPoints' | 'amount' | 'currency'>;

/** "−20 %", "−US$ 10" @param locale BCP 47 */
export function couponWorth(
	{ percentBasisPoints, amount, currency }: Worth,
	locale: string
): string {
	const worth =
		percentBasisPoints === null
			? money(amount ?? 0, currency ?? 'usd', locale)
			: percent(percentBasisPoints / 10_000, locale, percentBasisPoints % 100 ? 2 : 0);
	return `−${worth}`;
}

/** "3 meses", "una vez", "siempre" */
export function couponDuration(
	{ duration, months }: Pick<Coupon, 'duration' | 'months'>,
	locale: string
): string {
	if (duration === 'once') return m.coupon_once();
	if (duration === 'forever') return m.coupon_forever();
	return m.coupon_months({ count: number(months ?? 0, locale) });
}
