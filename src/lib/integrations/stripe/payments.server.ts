import type Stripe from 'stripe';
import type { Caller } from './call.server.ts';
import { everything } from './subscriptions.server.ts';

/** How money came, and how it goes back. */
export function payments(sdk: Stripe, call: Caller) {
	const invoicePayments = (params: Stripe.InvoicePaymentListParams) =>
		everything((starting_after) => {
			const query = { ...params, limit: 100, ...(starting_after && { starting_after }) };
			return call.read({ operation: 'invoicePayments.list', request: query, object: 'list' }, () =>
				sdk.invoicePayments.list(query)
			);
		});
	return {
		invoicePayments: {
			/** Several when an invoice was paid in parts; none when it was 0 or paid outside Stripe. */
			ofInvoice: (invoice: string) => invoicePayments({ invoice }),
			/** The way from a refund or a dispute to its invoice. */
			ofIntent: (payment_intent: string) =>
				invoicePayments({ payment: { type: 'payment_intent', payment_intent } })
		},
		paymentIntents: {
			retrieve: (id: string) =>
				call.read(
					{ operation: 'paymentIntents.retrieve', request: { id }, object: 'payment_intent' },
					() => sdk.paymentIntents.retrieve(id)
				)
		},
		charges: {
			/** Each time that the bank was asked for a payment, newest first. */
			ofIntent: (payment_intent: string) =>
				everything((starting_after) => {
					const params = { payment_intent, limit: 100, ...(starting_after && { starting_after }) };
					return call.read({ operation: 'charges.list', request: params, object: 'list' }, () =>
						sdk.charges.list(params)
					);
				})
		},
		refunds: {
			retrieve: (id: string) =>
				call.read({ operation: 'refunds.retrieve', request: { id }, object: 'refund' }, () =>
					sdk.refunds.retrieve(id)
				),
			ofIntent: (payment_intent: string) =>
				everything((starting_after) => {
					const params = { payment_intent, limit: 100, ...(starting_after && { starting_after }) };
					return call.read({ operation: 'refunds.list', request: params, object: 'list' }, () =>
						sdk.refunds.list(params)
					);
				}),
			/** Without a credit note: for money whose credit note stands and whose refund bounced. */
			create: (params: Stripe.RefundCreateParams, key: string) =>
				call.change(
					{ operation: 'refunds.create', key, request: params, object: 'refund' },
					(options) => sdk.refunds.create(params, options)
				)
		},
		creditNotes: {
			retrieve: (id: string) =>
				call.read(
					{ operation: 'creditNotes.retrieve', request: { id }, object: 'credit_note' },
					() => sdk.creditNotes.retrieve(id)
				),
			ofInvoice: (invoice: string) =>
				everything((starting_after) => {
					const params = { invoice, limit: 100, ...(starting_after && { starting_after }) };
					return call.read({ operation: 'creditNotes.list', request: params, object: 'list' }, () =>
						sdk.creditNotes.list(params)
					);
				}),
			create: (params: Stripe.CreditNoteCreateParams, key: string) =>
				call.change(
					{ operation: 'creditNotes.create', key, request: params, object: 'credit_note' },
					(options) => sdk.creditNotes.create(params, options)
				)
		},
		disputes: {
			retrieve: (id: string) =>
				call.read({ operation: 'disputes.retrieve', request: { id }, object: 'dispute' }, () =>
					sdk.disputes.retrieve(id)
				),
			ofIntent: async (payment_intent: string) => {
				const params = { payment_intent, limit: 100 };
				const page = await call.read(
					{ operation: 'disputes.list', request: params, object: 'list' },
					() => sdk.disputes.list(params)
				);
				return page.data;
			}
		}
	};
}
