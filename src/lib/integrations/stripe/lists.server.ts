import type Stripe from 'stripe';
import type { Caller } from './call.server.ts';

/** Everything of a kind, a hundred at a time and newest first: for comparing what Stripe has with what we have. */
export function lists(sdk: Stripe, call: Caller) {
	return {
		/** Each takes the id of the last row of the page before. */
		pages: {
			customers: (startingAfter?: string) => {
				const params = { limit: 100, ...(startingAfter && { starting_after: startingAfter }) };
				return call.read({ operation: 'customers.list', request: params, object: 'list' }, () =>
					sdk.customers.list(params)
				);
			},
			/** Ended ones as well. */
			subscriptions: (startingAfter?: string) => {
				const params = {
					status: 'all' as const,
					limit: 100,
					...(startingAfter && { starting_after: startingAfter }),
					expand: ['data.discounts.source.coupon']
				};
				return call.read({ operation: 'subscriptions.list', request: params, object: 'list' }, () =>
					sdk.subscriptions.list(params)
				);
			},
			/** @param since unix seconds */
			invoices: (since: number, startingAfter?: string) => {
				const params = {
					created: { gte: since },
					limit: 100,
					...(startingAfter && { starting_after: startingAfter })
				};
				return call.read({ operation: 'invoices.list', request: params, object: 'list' }, () =>
					sdk.invoices.list(params)
				);
			},
			/** Active and archived. */
			prices: (startingAfter?: string) => {
				const params = { limit: 100, ...(startingAfter && { starting_after: startingAfter }) };
				return call.read({ operation: 'prices.list', request: params, object: 'list' }, () =>
					sdk.prices.list(params)
				);
			}
		}
	};
}
