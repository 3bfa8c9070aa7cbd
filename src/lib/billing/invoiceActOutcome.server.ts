import { StripeVendorError } from '#lib/integrations/stripe/errors.ts';
import type { InvoiceAct } from '#prisma/generated/client.ts';
import { actError, type ActError, type Outcome } from './invoiceActTypes.ts';

export function failed(
	code: ActError,
	detail?: string | null,
	declineCode?: string | null
): Outcome {
	return { status: 'failed', error: actError(code, detail), declineCode: declineCode ?? null };
}

/** What Stripe's refusal of a change means; what may have happened nevertheless, or may work later, is thrown on. */
export function refusal(error: unknown): StripeVendorError {
	if (!(error instanceof StripeVendorError) || error.retryable || error.ambiguous) throw error;
	return error;
}

/** The key under which Stripe does one thing once, however often it is sent. */
export function keyOf(act: InvoiceAct): string {
	return act.tries === 1 ? `invoice-act:${act.id}` : `invoice-act:${act.id}:${act.tries}`;
}

export function refused(no: StripeVendorError): Outcome {
	if (no.kind === 'unauthorized') return failed('unauthorized');
	return no.code === 'charge_disputed' ? failed('disputed') : failed('refused', no.message);
}
