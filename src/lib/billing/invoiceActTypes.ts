import type { InvoiceActKind, InvoiceActStatus } from '#prisma/generated/enums.ts';

/** Why an act did not do what was asked, beside what the bank says. Kept as `code` or `code|words of Stripe's`. */
export const ACT_ERRORS = [
	'declined',
	'authentication',
	'no_card',
	'already_paid',
	'not_open',
	'not_paid',
	'nothing_left',
	'on_its_way',
	'paid_outside',
	'disputed',
	'bounced',
	'refused',
	'unavailable',
	'unauthorized',
	'rejected',
	'withdrawn'
] as const;
export type ActError = (typeof ACT_ERRORS)[number];

/** What Stripe says of an act, after looking. */
export interface Outcome {
	status: Extract<InvoiceActStatus, 'pending' | 'done' | 'failed'>;
	error?: string;
	declineCode?: string | null;
	/** Stripe's id of what was made. */
	stripeObjectId?: string | null;
}

/** Nothing has been decided about it, so that another of its kind would be one too many. */
export const UNFINISHED: readonly InvoiceActStatus[] = ['waiting_approval', 'ordered'];
/** Money goes back or is not asked for any more. */
export const GIVES: readonly InvoiceActKind[] = ['refund', 'credit_note'];

export function actError(code: ActError, detail?: string | null): string {
	return detail ? `${code}|${detail.slice(0, 500)}` : code;
}

export function readActError(error: string): { code: ActError; detail: string | null } {
	const [code = '', detail] = error.split(/\|(.*)/s);
	const known = ACT_ERRORS.find((one) => one === code);
	return known ? { code: known, detail: detail || null } : { code: 'refused', detail: error };
}
