import { transaction } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { VendorError } from '#lib/integrations/errors.ts';
import type { Actor } from '#lib/logs/audit.server.ts';
import { stripeClient } from '#lib/settings/clients.server.ts';
import type { InvoiceAct } from '#prisma/generated/client.ts';
import { tryInvoiceAct } from './invoiceActRun.server.ts';
import { orderInvoiceAct } from './invoiceActs.server.ts';
import { readActError } from './invoiceActTypes.ts';

/** What became of "pay now": the act, and where the bank or the card has to be asked instead. */
export interface PaidNow {
	act: InvoiceAct;
	/** Stripe's own page of the invoice; null when it is not needed, or cannot be had. */
	page: string | null;
}

/**
 * A customer pays an open invoice with the saved card, being there. Where the bank wants it confirmed, or there is no
 * card, Stripe's page of the invoice takes over.
 * @throws {AppError} NOT_FOUND, INVOICE_NOT_OPEN, ALREADY_RUNNING
 */
export async function payNow(input: {
	id?: string;
	invoiceId: string;
	customerId: string;
	by: Actor;
}): Promise<PaidNow> {
	const ordered = await transaction((tx) =>
		orderInvoiceAct(tx, { ...input, kind: 'retry', onSession: true })
	);
	const act = await tryInvoiceAct(ordered.id);
	const code = act.error ? readActError(act.error).code : null;
	const elsewhere = act.status === 'failed' && (code === 'authentication' || code === 'no_card');
	return { act, page: elsewhere ? await payPage(act) : null };
}

/** Made anew by Stripe for each click: it ends after a while, so that nobody stores it. */
async function payPage(act: InvoiceAct): Promise<string | null> {
	const stripeInvoiceId = await transaction(async (tx) => {
		const invoice = await tx.invoice.findFirst({
			where: { id: act.invoiceId, customerId: act.customerId },
			select: { stripeInvoiceId: true }
		});
		return invoice?.stripeInvoiceId ?? null;
	});
	return stripeInvoiceId ? invoicePayPage(stripeInvoiceId) : null;
}

/** @throws {AppError} PAYMENT_UNAVAILABLE when Stripe does not answer */
export async function invoicePayPage(stripeInvoiceId: string): Promise<string | null> {
	const client = await stripeClient();
	try {
		return (await client.invoices.retrieve(stripeInvoiceId)).hosted_invoice_url ?? null;
	} catch (error) {
		if (!(error instanceof VendorError)) throw error;
		throw new AppError('PAYMENT_UNAVAILABLE', { cause: error, detail: error.message });
	}
}
