import {
	isSubscriptionStatus,
	movementKind,
	refundStatus,
	subscriptionStatus
} from '#lib/billing/words.ts';
import { domainStatus, isDomainStatus } from '#lib/domains/custom/domainStateWords.ts';
import { actionLabel } from '#lib/logs/words.ts';
import type { TimelineEntry, TimelineKind } from '#lib/logs/timeline.ts';
import { alertSeverity } from '#lib/notifications/alertWords.ts';
import { notificationSentence } from '#lib/notifications/sentences.ts';
import { stepError } from '#lib/provisioning/stepMessages.ts';
import {
	isTenantStatus,
	runStatus,
	sagaLabel,
	stepLabel,
	tenantStatus
} from '#lib/provisioning/words.ts';
import { m } from '#i18n/paraglide/messages.js';
import { money } from '#lib/ui/format.ts';
import type { Tone } from '#lib/ui/tone.ts';
import type { EmailStatus } from '#prisma/generated/enums.ts';

/** One entry as a person reads it. */
export interface TimelineWords {
	title: string;
	/** More of it, on a line of its own. */
	detail: string | null;
	tone: Tone;
}

const KINDS: Record<TimelineKind, () => string> = {
	state: m.timeline_kind_state,
	runs: m.timeline_kind_runs,
	billing: m.timeline_kind_billing,
	mails: m.timeline_kind_mails,
	alerts: m.timeline_kind_alerts,
	audit: m.timeline_kind_audit
};

const MAILS: Record<EmailStatus, { label: () => string; tone: Tone }> = {
	queued: { label: m.mail_status_queued, tone: 'info' },
	sent: { label: m.mail_status_sent, tone: 'neutral' },
	failed: { label: m.mail_status_failed, tone: 'danger' }
};

export function timelineKind(kind: TimelineKind): string {
	return KINDS[kind]();
}

/** @param locale BCP 47 */
export function timelineWords(entry: TimelineEntry, locale: string): TimelineWords {
	const calm = { detail: null, tone: 'neutral' as const };
	switch (entry.what) {
		case 'act':
			return {
				...calm,
				title: actionLabel(entry.data.action),
				...stateOf(entry.data.action, entry.data.after?.status)
			};
		case 'run.started':
			return {
				...calm,
				title: m.timeline_run_started({ run: sagaLabel(entry.data.saga) }),
				tone: 'info'
			};
		case 'run.ended': {
			const { label, tone } = runStatus(entry.data.status);
			return {
				title: m.timeline_run_ended({ run: sagaLabel(entry.data.saga) }),
				detail: label,
				tone
			};
		}
		case 'step.failed': {
			const title = m.timeline_step_failed({ step: stepLabel(entry.data.step) });
			return { title, detail: stepError(entry.data)?.sentence ?? null, tone: 'danger' };
		}
		case 'invoice.issued':
			return {
				...calm,
				title: m.timeline_invoice_issued(invoice(entry.data)),
				detail: amount(entry.data, locale)
			};
		case 'invoice.paid':
			return {
				title: m.timeline_invoice_paid(invoice(entry.data)),
				detail: amount(entry.data, locale),
				tone: 'success'
			};
		case 'payment.failed':
			return {
				title: m.timeline_payment_failed(invoice(entry.data)),
				detail: [amount(entry.data, locale), entry.data.message].filter(Boolean).join(' · '),
				tone: 'danger'
			};
		case 'refund': {
			const { label, tone } = refundStatus(entry.data.status);
			const title = m.timeline_refund({ amount: amount(entry.data, locale) });
			return { title, detail: [label, entry.data.failure].filter(Boolean).join(' · '), tone };
		}
		case 'mail': {
			const { label, tone } = MAILS[entry.data.status];
			const title = m.timeline_mail({ subject: entry.data.subject });
			return { title, detail: `${entry.data.to} · ${label()}`, tone };
		}
		case 'movement':
			return {
				title: m.timeline_movement({ kind: movementKind(entry.data.kind), plan: entry.data.plan }),
				detail: money(entry.data.amount, entry.data.currency, locale, { sign: true }),
				tone: entry.data.amount < 0 ? 'warning' : 'success'
			};
		case 'alert.opened': {
			const { tone, label } = alertSeverity(entry.data.severity);
			const alert = notificationSentence(entry.data.rule, entry.data.data);
			return { title: m.timeline_alert_opened({ alert }), detail: label, tone };
		}
		case 'alert.closed': {
			const alert = notificationSentence(entry.data.rule, entry.data.data);
			return { title: m.timeline_alert_closed({ alert }), detail: null, tone: 'success' };
		}
	}
}

/** The state that an act led to, of an instance, a domain or a subscription. */
function stateOf(action: string, status: unknown): { detail: string; tone: Tone } | null {
	if (typeof status !== 'string') return null;
	if (action.startsWith('domains.'))
		return isDomainStatus(status) ? look(domainStatus(status)) : null;
	if (isTenantStatus(status)) return look(tenantStatus(status));
	return isSubscriptionStatus(status) ? look(subscriptionStatus(status)) : null;
}

function look({ label, tone }: { label: string; tone: Tone }) {
	return { detail: label, tone };
}

function invoice({ number }: { number: string | null }) {
	return { number: number ?? '—' };
}

function amount(of: { amount: number; currency: string }, locale: string): string {
	return money(of.amount, of.currency, locale);
}
