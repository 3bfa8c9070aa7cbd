import { m } from '#i18n/paraglide/messages.js';
import type { Tone } from '#lib/ui/tone.ts';
import type { BillingMode, SubscriptionStatus } from '#prisma/generated/enums.ts';

const STATUSES: Record<SubscriptionStatus, { label: () => string; tone: Tone }> = {
	pending: { label: m.subscription_status_pending, tone: 'neutral' },
	active: { label: m.subscription_status_active, tone: 'success' },
	past_due: { label: m.subscription_status_past_due, tone: 'warning' },
	suspended: { label: m.subscription_status_suspended, tone: 'warning' },
	cancelled: { label: m.subscription_status_cancelled, tone: 'neutral' }
};

/** A subscription's state for Badge. */
export function subscriptionStatus(status: SubscriptionStatus): { label: string; tone: Tone } {
	return { label: STATUSES[status].label(), tone: STATUSES[status].tone };
}

const MODES: Record<BillingMode, () => string> = {
	stripe: m.billing_mode_stripe,
	invoice: m.billing_mode_invoice,
	free: m.billing_mode_free
};

export function billingMode(mode: BillingMode): string {
	return MODES[mode]();
}
