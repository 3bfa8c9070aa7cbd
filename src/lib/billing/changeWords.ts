import { m } from '#i18n/paraglide/messages.js';
import { sentenceOf } from '#lib/core/errors.ts';
import type { Tone } from '#lib/ui/tone.ts';
import type { ChangeKind, ChangeStatus } from '#prisma/generated/enums.ts';
import { declineReason } from './declines.ts';

const KINDS: Record<ChangeKind, () => string> = {
	upgrade: m.change_upgrade,
	downgrade: m.change_downgrade,
	quantity: m.change_quantity,
	interval: m.change_interval,
	coupon: m.change_coupon,
	cancel: m.change_cancel,
	cancel_at_end: m.change_cancel_at_end,
	resume: m.change_resume,
	trial: m.change_trial
};

export function changeKind(kind: ChangeKind): string {
	return KINDS[kind]();
}

const STATUSES: Record<ChangeStatus, { label: () => string; tone: Tone }> = {
	previewed: { label: m.change_previewed, tone: 'neutral' },
	ordered: { label: m.change_ordered, tone: 'info' },
	waiting_payment: { label: m.change_waiting_payment, tone: 'warning' },
	scheduled: { label: m.change_scheduled, tone: 'info' },
	applied: { label: m.change_applied, tone: 'success' },
	refused: { label: m.change_refused, tone: 'danger' },
	undone: { label: m.change_undone, tone: 'neutral' }
};

/** How far a change is, for Badge. */
export function changeStatus(status: ChangeStatus): { label: string; tone: Tone } {
	return { label: STATUSES[status].label(), tone: STATUSES[status].tone };
}

/** Why a change was refused, in a sentence; null when it was not. */
export function refusal(change: {
	status: ChangeStatus;
	error: string | null;
	declineCode: string | null;
}): string | null {
	if (change.status !== 'refused') return null;
	const code = change.error ?? 'VENDOR_FAILED';
	if (code !== 'PAYMENT_DECLINED') return sentenceOf(code, { vendor: 'Stripe' });
	return sentenceOf(code, { reason: declineReason(change.declineCode) });
}
