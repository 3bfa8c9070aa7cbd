import type Stripe from 'stripe';
import type { Caller } from './call.server.ts';

/** What a subscription will cost, and what it becomes later. */
export function changes(sdk: Stripe, call: Caller) {
	return {
		previews: {
			/** The invoice that a change would make; Stripe keeps nothing of it. */
			create: (params: Stripe.InvoiceCreatePreviewParams) =>
				call.read({ operation: 'invoices.createPreview', request: params, object: 'invoice' }, () =>
					sdk.invoices.createPreview(params)
				)
		},
		schedules: {
			retrieve: (id: string) =>
				call.read(
					{
						operation: 'subscriptionSchedules.retrieve',
						request: { id },
						object: 'subscription_schedule'
					},
					() => sdk.subscriptionSchedules.retrieve(id)
				),
			/** What the subscription is now, as the first phase of a schedule. */
			fromSubscription: (subscription: string, key: string) => {
				const params = { from_subscription: subscription };
				return call.change(
					{
						operation: 'subscriptionSchedules.create',
						key,
						request: params,
						object: 'subscription_schedule'
					},
					(options) => sdk.subscriptionSchedules.create(params, options)
				);
			},
			update: (id: string, params: Stripe.SubscriptionScheduleUpdateParams, key: string) =>
				call.change(
					{
						operation: 'subscriptionSchedules.update',
						key,
						request: { id, ...params },
						object: 'subscription_schedule'
					},
					(options) => sdk.subscriptionSchedules.update(id, params, options)
				),
			/** Leaves the subscription as it is now. Refused for one that is released already. */
			release: (id: string) =>
				call.change(
					{
						operation: 'subscriptionSchedules.release',
						request: { id },
						object: 'subscription_schedule'
					},
					(options) => sdk.subscriptionSchedules.release(id, {}, options)
				)
		}
	};
}
