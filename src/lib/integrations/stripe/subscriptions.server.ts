import type Stripe from 'stripe';
import type { Caller } from './call.server.ts';

/** What decides how much a subscription is worth, in one answer. */
const WITH_COUPONS = ['discounts.source.coupon'];

/** Subscriptions, their invoices, and what happened. */
export function subscriptions(sdk: Stripe, call: Caller) {
	return {
		subscriptions: {
			retrieve: (id: string) =>
				call.read(
					{ operation: 'subscriptions.retrieve', request: { id }, object: 'subscription' },
					() => sdk.subscriptions.retrieve(id, { expand: WITH_COUPONS })
				),
			update: (id: string, params: Stripe.SubscriptionUpdateParams, key: string) =>
				call.change(
					{
						operation: 'subscriptions.update',
						key,
						request: { id, ...params },
						object: 'subscription'
					},
					(options) => sdk.subscriptions.update(id, params, options)
				),
			/** Ends it now: no last invoice, nothing credited for unused time. Says `missing` when it has ended. */
			cancel: (id: string, comment: string) => {
				const params = { invoice_now: false, prorate: false, cancellation_details: { comment } };
				return call.change(
					{
						operation: 'subscriptions.cancel',
						request: { id, ...params },
						object: 'subscription'
					},
					(options) => sdk.subscriptions.cancel(id, params, options)
				);
			}
		},
		invoices: {
			retrieve: (id: string) =>
				call.read({ operation: 'invoices.retrieve', request: { id }, object: 'invoice' }, () =>
					sdk.invoices.retrieve(id)
				),
			/** All lines of an invoice, in its order; it carries the first ten itself. */
			linesOf: ({ id, lines }: Stripe.Invoice) =>
				everything(async (starting_after) => {
					if (!starting_after) return lines;
					const params = { limit: 100, starting_after };
					return call.read(
						{ operation: 'invoices.lines', request: { id, ...params }, object: 'list' },
						() => sdk.invoices.listLineItems(id, params)
					);
				}),
			/** All invoices of a subscription, newest first. */
			ofSubscription: (subscription: string) =>
				everything((starting_after) => {
					const params = { subscription, limit: 100, ...(starting_after && { starting_after }) };
					return call.read({ operation: 'invoices.list', request: params, object: 'list' }, () =>
						sdk.invoices.list(params)
					);
				}),
			/** Charges it now, with the method of the customer unless told otherwise, or notes that it was paid elsewhere. */
			pay: (id: string, params: Stripe.InvoicePayParams, key: string) =>
				call.change(
					{ operation: 'invoices.pay', key, request: { id, ...params }, object: 'invoice' },
					(options) => sdk.invoices.pay(id, params, options)
				),
			/** Doing it twice is refused, so that it needs no key. */
			void: (id: string) =>
				call.change({ operation: 'invoices.void', request: { id }, object: 'invoice' }, (options) =>
					sdk.invoices.voidInvoice(id, {}, options)
				)
		},
		events: {
			retrieve: (id: string) =>
				call.read({ operation: 'events.retrieve', request: { id }, object: 'event' }, () =>
					sdk.events.retrieve(id)
				),
			/** One page of what happened since, newest first. @param since unix seconds */
			since: (since: number, startingAfter?: string) => {
				const params = {
					created: { gte: since },
					limit: 100,
					...(startingAfter && { starting_after: startingAfter })
				};
				return call.read({ operation: 'events.list', request: params, object: 'list' }, () =>
					sdk.events.list(params)
				);
			}
		}
	};
}

/** All rows of a list that comes in pages. */
export async function everything<T extends { id: string }>(
	page: (startingAfter: string | undefined) => Promise<{ data: T[]; has_more: boolean }>
): Promise<T[]> {
	const rows: T[] = [];
	for (;;) {
		const { data, has_more } = await page(rows.at(-1)?.id);
		rows.push(...data);
		if (!has_more || data.length === 0) return rows;
	}
}
