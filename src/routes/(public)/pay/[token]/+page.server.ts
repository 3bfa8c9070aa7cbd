import { openInvoicesOf, subscriptionOfPayLink } from '#lib/billing/dunningPayLink.server.ts';
import { stripeAge } from '#lib/billing/stripeAge.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { publicRoute } from '#lib/identity/guard.server.ts';
import { takePoint } from '#lib/identity/rateLimits.server.ts';
import type { PageServerLoad } from './$types';

/** What is open of one subscription: amounts and dates, nothing about anybody. */
export const load: PageServerLoad = async (event) => {
	publicRoute(event);
	await takePoint('pay-address', event.locals.ip);
	const subscriptionId = subscriptionOfPayLink(event.params.token);
	if (!subscriptionId) throw new AppError('LINK_EXPIRED');
	const invoices = await openInvoicesOf(subscriptionId);
	return {
		/** The way to Stripe was asked for and not found. */
		isAway: event.url.searchParams.has('away'),
		stripeAge: await stripeAge(),
		invoices: invoices.map(({ stripeInvoiceId, ...invoice }) => ({
			...invoice,
			payable: stripeInvoiceId !== null
		}))
	};
};
