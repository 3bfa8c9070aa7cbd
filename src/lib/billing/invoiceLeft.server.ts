import { AppError } from '#lib/core/errors.ts';
import type { Invoice, InvoiceAct, InvoiceActKind } from '#prisma/generated/client.ts';
import { GIVES } from './invoiceActTypes.ts';

/** What may still go back of an invoice, minor units. */
export interface Left {
	/** To where it was paid from. */
	refundable: number;
	/** Of what it asked for: off what is owed, or as a balance for later invoices. */
	creditable: number;
}

type Sums = Pick<
	Invoice,
	'status' | 'total' | 'amountPaid' | 'paidOutOfBand' | 'creditedAmount' | 'refundedAmount'
>;

/**
 * Never more than is left: what was paid through Stripe, less what went back, was credited, or is asked for already.
 * @param unfinished acts that nobody knows the end of
 */
export function leftOf(
	invoice: Sums,
	unfinished: readonly Pick<InvoiceAct, 'kind' | 'amount'>[]
): Left {
	const reserved = unfinished
		.filter(({ kind }) => GIVES.includes(kind))
		.reduce((sum, { amount }) => sum + (amount ?? 0), 0);
	const isFinal = invoice.status !== 'draft' && invoice.status !== 'void';
	// A refund beside a credit note, as the bank's or the dashboard's are, has taken its part of what may be credited.
	const given = Math.max(invoice.creditedAmount, invoice.refundedAmount);
	const creditable = isFinal ? Math.max(0, invoice.total - given - reserved) : 0;
	const through = invoice.status === 'paid' && !invoice.paidOutOfBand ? invoice.amountPaid : 0;
	const refundable = Math.max(0, through - invoice.refundedAmount - reserved);
	return { creditable, refundable: Math.min(refundable, creditable) };
}

/** @throws {AppError} INVOICE_NOT_OPEN, INVOICE_NOT_PAID, NOT_BILLED_BY_STRIPE */
export function refuseWrongState(invoice: Invoice, kind: InvoiceActKind): void {
	if (!invoice.stripeInvoiceId) throw new AppError('NOT_BILLED_BY_STRIPE');
	if (!actsOf(invoice).includes(kind))
		throw new AppError(kind === 'refund' ? 'INVOICE_NOT_PAID' : 'INVOICE_NOT_OPEN');
}

/** What may be asked for in this state. */
export function actsOf(invoice: Pick<Invoice, 'status' | 'stripeInvoiceId'>): InvoiceActKind[] {
	if (!invoice.stripeInvoiceId) return [];
	if (invoice.status === 'open') return ['retry', 'mark_paid', 'credit_note', 'void'];
	if (invoice.status === 'uncollectible') return ['retry', 'mark_paid', 'void'];
	return invoice.status === 'paid' ? ['refund', 'credit_note'] : [];
}
