import type Stripe from 'stripe';
import type { Caller } from './call.server.ts';
import { everything } from './subscriptions.server.ts';

/** Who pays, with what, and Stripe's own pages for changing it. */
export function customers(sdk: Stripe, call: Caller) {
	return {
		customers: {
			/** A deleted one answers with `deleted: true`. */
			retrieve: (id: string) =>
				call.read({ operation: 'customers.retrieve', request: { id }, object: 'customer' }, () =>
					sdk.customers.retrieve(id)
				),
			create: (params: Stripe.CustomerCreateParams, key: string) =>
				call.change(
					{ operation: 'customers.create', key, request: params, object: 'customer' },
					(options) => sdk.customers.create(params, options)
				),
			update: (id: string, params: Stripe.CustomerUpdateParams, key: string) =>
				call.change(
					{ operation: 'customers.update', key, request: { id, ...params }, object: 'customer' },
					(options) => sdk.customers.update(id, params, options)
				)
		},
		taxIds: {
			ofCustomer: (customer: string) =>
				everything((starting_after) => {
					const params = { limit: 100, ...(starting_after && { starting_after }) };
					return call.read(
						{ operation: 'taxIds.list', request: { customer, ...params }, object: 'list' },
						() => sdk.customers.listTaxIds(customer, params)
					);
				}),
			create: (customer: string, params: Stripe.CustomerCreateTaxIdParams, key: string) =>
				call.change(
					{ operation: 'taxIds.create', key, request: { customer, ...params }, object: 'tax_id' },
					(options) => sdk.customers.createTaxId(customer, params, options)
				),
			/** Doing it twice is refused, so that it needs no key. */
			remove: (customer: string, id: string) =>
				call.change(
					{ operation: 'taxIds.delete', request: { customer, id }, object: 'tax_id' },
					(options) => sdk.customers.deleteTaxId(customer, id, {}, options)
				)
		},
		paymentMethods: {
			ofCustomer: (customer: string) =>
				everything((starting_after) => {
					const params = { customer, limit: 100, ...(starting_after && { starting_after }) };
					return call.read(
						{ operation: 'paymentMethods.list', request: params, object: 'list' },
						() => sdk.paymentMethods.list(params)
					);
				})
		},
		portal: {
			/** A page of Stripe's for one customer; its URL is good for some minutes. */
			open: (params: Stripe.BillingPortal.SessionCreateParams) =>
				call.change(
					{
						operation: 'billingPortal.sessions.create',
						request: params,
						object: 'billing_portal.session'
					},
					(options) => sdk.billingPortal.sessions.create(params, options)
				),
			configurations: async () => {
				const params = { active: true, limit: 100 };
				const page = await call.read(
					{ operation: 'billingPortal.configurations.list', request: params, object: 'list' },
					() => sdk.billingPortal.configurations.list(params)
				);
				return page.data;
			},
			configure: (params: Stripe.BillingPortal.ConfigurationCreateParams, key: string) =>
				call.change(
					{
						operation: 'billingPortal.configurations.create',
						key,
						request: params,
						object: 'billing_portal.configuration'
					},
					(options) => sdk.billingPortal.configurations.create(params, options)
				)
		}
	};
}
