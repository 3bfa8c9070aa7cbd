import { redirect } from '@sveltejs/kit';
import {
	hostedInvoice,
	openInvoicesOf,
	subscriptionOfPayLink
} from '#lib/billing/dunningPayLink.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { log } from '#lib/core/log.server.ts';
import { publicRoute } from '#lib/identity/guard.server.ts';
import { takePoint } from '#lib/identity/rateLimits.server.ts';
import type { RequestHandler } from './$types';

/** On to Stripe's own page of an invoice, whose address ends after a while: each click gets a fresh one. */
export const GET: RequestHandler = async (event) => {
	publicRoute(event);
	await takePoint('pay-address', event.locals.ip);
	const subscriptionId = subscriptionOfPayLink(event.params.token);
	if (!subscriptionId) throw new AppError('LINK_EXPIRED');
	const open = await openInvoicesOf(subscriptionId);
	const invoice = open.find(({ id }) => id === event.params.invoice);
	// Paid meanwhile: the page says so.
	if (!invoice) redirect(303, `/pay/${event.params.token}`);
	redirect(302, await pageOf(invoice, event.params.token));
};

/** Stripe's page, or ours with a sentence while Stripe does not answer. */
async function pageOf(
	invoice: Parameters<typeof hostedInvoice>[0],
	token: string
): Promise<string> {
	try {
		return await hostedInvoice(invoice);
	} catch (error) {
		if (!(error instanceof AppError) || error.code !== 'PAYMENT_UNAVAILABLE') throw error;
		log.warn({ err: error }, 'a page to pay could not be opened');
		return `/pay/${token}?away`;
	}
}
