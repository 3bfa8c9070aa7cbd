import { m } from '#i18n/paraglide/messages.js';
import type { Tone } from '#lib/ui/tone.ts';
import type { InvoiceActKind, InvoiceActStatus } from '#prisma/generated/enums.ts';
import { declineReason } from './declines.ts';
import { readActError, type ActError } from './invoiceActTypes.ts';
import { invoiceStatus } from './words.ts';

interface State {
	status: string;
	total: number;
	attemptCount: number;
	dueAt: Date | null;
	creditedAmount: number;
	refundedAmount: number;
	chargedBackAmount: number;
	paidOutOfBand?: boolean;
}

/** What became of an invoice, for Badge: late, partly or wholly given back, paid elsewhere. */
export function invoiceBadge(invoice: State, at = Date.now()): { label: string; tone: Tone } {
	const { status, total, creditedAmount, refundedAmount, chargedBackAmount } = invoice;
	const given = Math.max(creditedAmount, refundedAmount);
	if (status === 'open' && isLate(invoice, at))
		return { label: m.invoice_status_late(), tone: 'danger' };
	if (status !== 'paid' || total <= 0) return invoiceStatus(status);
	if (chargedBackAmount >= total) return { label: m.invoice_status_charged_back(), tone: 'danger' };
	if (given >= total)
		return {
			label: refundedAmount > 0 ? m.invoice_status_refunded() : m.invoice_status_credited(),
			tone: 'neutral'
		};
	if (given > 0) return { label: m.invoice_status_partly_refunded(), tone: 'info' };
	return invoice.paidOutOfBand
		? { label: m.invoice_status_paid_outside(), tone: 'success' }
		: invoiceStatus(status);
}

function isLate({ attemptCount, dueAt }: State, at: number): boolean {
	return attemptCount > 0 || (dueAt !== null && dueAt.getTime() < at);
}

/** Of a filter: Stripe's word, or `late`. */
export function invoiceStateLabel(state: string): string {
	return state === 'late' ? m.invoice_status_late() : invoiceStatus(state).label;
}

/** What the bank said to an attempt, for Badge. */
export function attemptStatus(status: string): { label: string; tone: Tone } {
	switch (status) {
		case 'succeeded':
			return { label: m.attempt_succeeded(), tone: 'success' };
		case 'pending':
		case 'processing':
			return { label: m.attempt_pending(), tone: 'warning' };
		case 'requires_action':
			return { label: m.attempt_requires_action(), tone: 'warning' };
		default:
			return { label: m.attempt_failed(), tone: 'danger' };
	}
}

const KINDS: Record<InvoiceActKind, () => string> = {
	retry: m.invoice_act_retry,
	mark_paid: m.invoice_act_mark_paid,
	void: m.invoice_act_void,
	refund: m.invoice_act_refund,
	credit_note: m.invoice_act_credit_note
};

export function invoiceActKind(kind: InvoiceActKind): string {
	return KINDS[kind]();
}

const STATUSES: Record<InvoiceActStatus, { label: () => string; tone: Tone }> = {
	waiting_approval: { label: m.invoice_act_status_waiting_approval, tone: 'warning' },
	ordered: { label: m.invoice_act_status_ordered, tone: 'info' },
	pending: { label: m.invoice_act_status_pending, tone: 'warning' },
	done: { label: m.invoice_act_status_done, tone: 'success' },
	failed: { label: m.invoice_act_status_failed, tone: 'danger' },
	rejected: { label: m.invoice_act_status_rejected, tone: 'neutral' }
};

export function invoiceActStatus(status: InvoiceActStatus): { label: string; tone: Tone } {
	return { label: STATUSES[status].label(), tone: STATUSES[status].tone };
}

const ERRORS: Record<ActError, () => string> = {
	declined: m.invoice_error_declined,
	authentication: m.invoice_error_authentication,
	no_card: m.invoice_error_no_card,
	already_paid: m.invoice_error_already_paid,
	not_open: m.invoice_error_not_open,
	not_paid: m.invoice_error_not_paid,
	nothing_left: m.invoice_error_nothing_left,
	on_its_way: m.invoice_error_on_its_way,
	paid_outside: m.invoice_error_paid_outside,
	disputed: m.invoice_error_disputed,
	bounced: m.invoice_error_bounced,
	refused: m.invoice_error_refused,
	unavailable: m.invoice_error_unavailable,
	unauthorized: m.invoice_error_unauthorized,
	rejected: m.invoice_error_rejected,
	withdrawn: m.invoice_error_withdrawn
};

/** Why an act did not do what was asked, with what Stripe or a person said about it; null when it did. */
export function invoiceActError(act: {
	error: string | null;
	declineCode: string | null;
}): { sentence: string; detail: string | null } | null {
	if (!act.error) return null;
	const { code, detail } = readActError(act.error);
	if (code === 'declined')
		return { sentence: declineReason(act.declineCode, 'staff'), detail: null };
	const isTold = code === 'refused' || code === 'rejected' || code === 'withdrawn';
	return { sentence: ERRORS[code](), detail: isTold ? detail : null };
}
