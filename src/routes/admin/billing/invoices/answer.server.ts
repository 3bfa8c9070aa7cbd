import { fail } from '@sveltejs/kit';
import { invoiceActError } from '#lib/billing/invoiceWords.ts';
import type { InvoiceAct } from '#prisma/generated/client.ts';
import { m } from '#i18n/paraglide/messages.js';

const DONE: Record<InvoiceAct['kind'], () => string> = {
	retry: m.invoice_done_retry,
	mark_paid: m.invoice_done_mark_paid,
	void: m.invoice_done_void,
	refund: m.invoice_done_refund,
	credit_note: m.invoice_done_credit_note
};

/** What a person is told of an act, once Stripe was asked: never more than what Stripe says. */
export function answerOf(act: InvoiceAct) {
	switch (act.status) {
		case 'done':
			return { message: DONE[act.kind]() };
		case 'waiting_approval':
			return { message: m.invoice_told_waiting() };
		case 'pending':
			return { message: m.invoice_told_pending() };
		case 'ordered':
			return { message: m.invoice_error_unavailable() };
		default:
			return fail(409, {
				message: invoiceActError(act)?.sentence ?? m.invoice_act_status_failed(),
				values: {}
			});
	}
}
