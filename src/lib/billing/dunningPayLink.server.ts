import { after, DAY, now } from '#lib/core/clock.server.ts';
import { sign, unsign } from '#lib/core/crypto.server.ts';
import { db } from '#lib/core/db.server.ts';
import { env } from '#lib/core/env.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { VendorError } from '#lib/integrations/errors.ts';
import { stripeClient } from '#lib/settings/clients.server.ts';

const PURPOSE = 'pay';
/** Of a link in a mail: as long as the longest policy that anybody would write. */
const MAIL_DAYS = 120;
/** Of the button on a page, which is made anew each time. */
const PAGE_DAYS = 1;

/**
 * Address of the page where what a subscription owes can be paid without logging in. It shows amounts and dates, and
 * nothing about anybody; the invoice itself opens at Stripe, fetched at that moment.
 */
export function payLink(subscriptionId: string, lives: 'mail' | 'page'): string {
	const ends = after(now(), (lives === 'mail' ? MAIL_DAYS : PAGE_DAYS) * DAY);
	const id = Buffer.from(subscriptionId.replaceAll('-', ''), 'hex').toString('base64url');
	const value = `${id}~${Math.ceil(ends.getTime() / 1000).toString(36)}`;
	return new URL(`/pay/${sign(value, PURPOSE)}`, env.ORIGIN).href;
}

/** @returns the subscription that a link is for; null when we did not make it or its time is over */
export function subscriptionOfPayLink(token: string): string | null {
	const [id, ends] = (unsign(token, PURPOSE) ?? '').split('~');
	if (!id || !ends || Number.parseInt(ends, 36) * 1000 < now().getTime()) return null;
	const hex = Buffer.from(id, 'base64url').toString('hex');
	return [
		hex.slice(0, 8),
		hex.slice(8, 12),
		hex.slice(12, 16),
		hex.slice(16, 20),
		hex.slice(20)
	].join('-');
}

/** What is open of a subscription, oldest first; no name, no address. */
export async function openInvoicesOf(subscriptionId: string) {
	return db.invoice.findMany({
		where: { subscriptionId, status: 'open', amountRemaining: { gt: 0 } },
		orderBy: [{ issuedAt: 'asc' }, { id: 'asc' }],
		select: {
			id: true,
			number: true,
			amountRemaining: true,
			currency: true,
			issuedAt: true,
			stripeInvoiceId: true
		}
	});
}

/**
 * Stripe's page for paying an invoice, as Stripe gives it now.
 * @throws {AppError} NOT_FOUND when it is not open any more, PAYMENT_UNAVAILABLE
 */
export async function hostedInvoice(invoice: { stripeInvoiceId: string | null }): Promise<string> {
	if (!invoice.stripeInvoiceId) throw new AppError('NOT_FOUND');
	const client = await stripeClient();
	try {
		const { hosted_invoice_url: url, status } = await client.invoices.retrieve(
			invoice.stripeInvoiceId
		);
		if (!url || status !== 'open') throw new AppError('NOT_FOUND');
		return url;
	} catch (error) {
		if (!(error instanceof VendorError)) throw error;
		throw new AppError('PAYMENT_UNAVAILABLE', { cause: error, detail: error.message });
	}
}
