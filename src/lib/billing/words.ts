import { m } from '#i18n/paraglide/messages.js';
import type { Tone } from '#lib/ui/tone.ts';
import type {
	BillingMode,
	MovementKind,
	RefundOrderStatus,
	RefundPurpose,
	SubscriptionStatus
} from '#prisma/generated/enums.ts';

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

/** Stripe's words for an invoice; one that we do not know is shown as it is. */
export function invoiceStatus(status: string): { label: string; tone: Tone } {
	switch (status) {
		case 'paid':
			return { label: m.invoice_status_paid(), tone: 'success' };
		case 'open':
			return { label: m.invoice_status_open(), tone: 'warning' };
		case 'draft':
			return { label: m.invoice_status_draft(), tone: 'neutral' };
		case 'void':
			return { label: m.invoice_status_void(), tone: 'neutral' };
		case 'uncollectible':
			return { label: m.invoice_status_uncollectible(), tone: 'danger' };
		default:
			return { label: status, tone: 'neutral' };
	}
}

const MOVEMENTS: Record<MovementKind, () => string> = {
	new: m.mrr_new,
	expansion: m.mrr_expansion,
	contraction: m.mrr_contraction,
	churn: m.mrr_churn,
	reactivation: m.mrr_reactivation
};

export const MOVEMENT_KINDS = Object.keys(MOVEMENTS).filter(isMovementKind);

export function isMovementKind(kind: string): kind is MovementKind {
	return Object.hasOwn(MOVEMENTS, kind);
}

export function movementKind(kind: MovementKind): string {
	return MOVEMENTS[kind]();
}

const ORDERS: Record<RefundOrderStatus, { label: () => string; tone: Tone }> = {
	open: { label: m.refund_open, tone: 'info' },
	waiting_payment: { label: m.refund_waiting_payment, tone: 'warning' },
	waiting_dispute: { label: m.refund_waiting_dispute, tone: 'warning' },
	pending: { label: m.refund_pending, tone: 'warning' },
	succeeded: { label: m.refund_succeeded, tone: 'success' },
	failed: { label: m.refund_failed, tone: 'danger' },
	nothing: { label: m.refund_nothing, tone: 'neutral' },
	charged_back: { label: m.refund_charged_back, tone: 'neutral' }
};

/** How far a refund is, for Badge. */
export function refundOrderStatus(status: RefundOrderStatus): { label: string; tone: Tone } {
	return { label: ORDERS[status].label(), tone: ORDERS[status].tone };
}

const PURPOSES: Record<RefundPurpose, () => string> = {
	signup: m.refund_purpose_signup,
	duplicate: m.refund_purpose_duplicate
};

export function refundPurpose(purpose: RefundPurpose): string {
	return PURPOSES[purpose]();
}

/** Stripe's words for a refund; one that we do not know is shown as it is. */
export function refundStatus(status: string): { label: string; tone: Tone } {
	switch (status) {
		case 'succeeded':
			return { label: m.refund_stripe_succeeded(), tone: 'success' };
		case 'pending':
			return { label: m.refund_stripe_pending(), tone: 'warning' };
		case 'failed':
			return { label: m.refund_stripe_failed(), tone: 'danger' };
		case 'canceled':
			return { label: m.refund_stripe_canceled(), tone: 'danger' };
		default:
			return { label: status, tone: 'neutral' };
	}
}

export const SUBSCRIPTION_STATUSES = Object.keys(STATUSES).filter(isSubscriptionStatus);

export function isSubscriptionStatus(status: string): status is SubscriptionStatus {
	return Object.hasOwn(STATUSES, status);
}
