import type Stripe from 'stripe';
import type { Caller } from './call.server.ts';

/** Products, prices and the hosted payment page. */
export function catalogue(sdk: Stripe, call: Caller) {
	return {
		products: {
			retrieve: (id: string) =>
				call.read({ operation: 'products.retrieve', request: { id }, object: 'product' }, () =>
					sdk.products.retrieve(id)
				),
			create: (params: Stripe.ProductCreateParams, key: string) =>
				call.change(
					{ operation: 'products.create', key, request: params, object: 'product' },
					(options) => sdk.products.create(params, options)
				),
			update: (id: string, params: Stripe.ProductUpdateParams, key: string) =>
				call.change(
					{ operation: 'products.update', key, request: { id, ...params }, object: 'product' },
					(options) => sdk.products.update(id, params, options)
				)
		},
		prices: {
			retrieve: (id: string) =>
				call.read({ operation: 'prices.retrieve', request: { id }, object: 'price' }, () =>
					sdk.prices.retrieve(id)
				),
			/** The active price under a lookup key, which at most one has. */
			byLookupKey: async (lookupKey: string): Promise<Stripe.Price | null> => {
				const params = { lookup_keys: [lookupKey], active: true };
				const page = await call.read(
					{ operation: 'prices.list', request: params, object: 'list' },
					() => sdk.prices.list(params)
				);
				return page.data[0] ?? null;
			},
			create: (params: Stripe.PriceCreateParams, key: string) =>
				call.change(
					{ operation: 'prices.create', key, request: params, object: 'price' },
					(options) => sdk.prices.create(params, options)
				),
			/** Everything but the amount: `active`, the name, the lookup key. */
			update: (id: string, params: Stripe.PriceUpdateParams, key: string) =>
				call.change(
					{ operation: 'prices.update', key, request: { id, ...params }, object: 'price' },
					(options) => sdk.prices.update(id, params, options)
				)
		},
		checkout: {
			create: (params: Stripe.Checkout.SessionCreateParams, key: string) =>
				call.change(
					{
						operation: 'checkout.sessions.create',
						key,
						request: params,
						object: 'checkout.session'
					},
					(options) => sdk.checkout.sessions.create(params, options)
				),
			retrieve: (id: string) =>
				call.read(
					{ operation: 'checkout.sessions.retrieve', request: { id }, object: 'checkout.session' },
					() => sdk.checkout.sessions.retrieve(id)
				),
			expire: (id: string) =>
				call.change(
					{ operation: 'checkout.sessions.expire', request: { id }, object: 'checkout.session' },
					(options) => sdk.checkout.sessions.expire(id, {}, options)
				)
		}
	};
}
