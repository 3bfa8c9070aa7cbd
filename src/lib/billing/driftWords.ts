import { m } from '#i18n/paraglide/messages.js';
import { comparedWords } from '../logs/driftWords.ts';

const KINDS: Record<string, () => string> = {
	'billing.customer-differs': m.drift_customer_differs,
	'billing.customer-missing': m.drift_customer_missing,
	'billing.subscription-differs': m.drift_subscription_differs,
	'billing.subscription-missing': m.drift_subscription_missing,
	'billing.subscription-unknown': m.drift_subscription_unknown,
	'billing.invoice-differs': m.drift_invoice_differs,
	'billing.invoice-unknown': m.drift_invoice_unknown,
	'billing.plan-differs': m.drift_plan_differs,
	'billing.event-missed': m.drift_event_missed,
	'billing.event-stuck': m.drift_event_stuck,
	'billing.paid-without-tenant': m.drift_paid_without_tenant,
	'billing.tenant-unpaid': m.drift_tenant_unpaid
};

export const DRIFT_KINDS = Object.keys(KINDS);

export function driftKind(kind: string): string {
	return KINDS[kind]?.() ?? kind;
}

const CAUSES: Record<string, () => string> = {
	'not-pushed': m.drift_cause_not_pushed,
	'deleted-at-stripe': m.drift_cause_deleted,
	'event-missed': m.drift_cause_event_missed,
	'event-waiting': m.drift_cause_event_waiting,
	'event-failed': m.drift_cause_event_failed,
	'made-at-stripe': m.drift_cause_made_at_stripe,
	'changed-at-stripe': m.drift_cause_changed_at_stripe,
	'not-delivered': m.drift_cause_not_delivered,
	'not-ended': m.drift_cause_not_ended,
	'nobody-pays': m.drift_cause_nobody_pays
};

export function driftCause(cause: string | null): string {
	return (cause && CAUSES[cause]?.()) || m.drift_cause_unknown();
}

const COMPARED: Record<string, (count: number) => string> = {
	customers: (count) => m.drift_compared_customers({ count }),
	subscriptions: (count) => m.drift_compared_subscriptions({ count }),
	invoices: (count) => m.drift_compared_invoices({ count }),
	prices: (count) => m.drift_compared_prices({ count }),
	events: (count) => m.drift_compared_events({ count }),
	promises: (count) => m.drift_compared_promises({ count })
};

/** "120 clientes, 130 suscripciones …" of what a run compared. */
export function billingCompared(compared: unknown): string {
	return comparedWords(compared, COMPARED);
}

/** Where staff look at what a drift is about; undefined when only Stripe has it. */
export function driftHref(drift: { subjectType: string; subjectId: string }): string | undefined {
	switch (drift.subjectType) {
		case 'customer':
			return `/admin/customers/${drift.subjectId}`;
		case 'subscription':
			return `/admin/billing/subscriptions/${drift.subjectId}`;
		case 'invoice':
			return `/admin/billing/invoices/${drift.subjectId}`;
		case 'plan':
			return `/admin/plans/${drift.subjectId}`;
		case 'tenant':
			return `/admin/tenants/${drift.subjectId}`;
		case 'stripe-event':
			return `/admin/billing/events?q=${drift.subjectId}`;
		default:
			return undefined;
	}
}
