import { afterAll, beforeAll, expect, test } from 'vitest';
import { hasSpec, specErrors, startTestStripe } from './testing.ts';

let lab: Awaited<ReturnType<typeof startTestStripe>>;
beforeAll(async () => {
	lab = await startTestStripe();
});
afterAll(() => lab.close());

async function get(path: string): Promise<unknown> {
	const response = await fetch(`${lab.server.url}${path}`, {
		headers: { authorization: `Bearer ${lab.server.key}` }
	});
	expect(response.status, path).toBe(200);
	return response.json();
}

// Without the descriptions there is nothing to compare with: they are not part of the repository.
test.skipIf(!hasSpec)(
	'every kind of object has the fields and types that the API describes',
	async () => {
		const { stripe, control } = lab;
		const { session, subscription, invoice, intent, customer } = await lab.paid();
		const [item] = subscription.items.data;
		const { latest_charge: charge } = await stripe.paymentIntents.retrieve(intent);
		const refund = await stripe.refunds.create({ payment_intent: intent, amount: 100 });
		const note = await stripe.creditNotes.create({
			invoice: invoice.id,
			amount: 200,
			refund_amount: 200
		});
		const schedule = await stripe.subscriptionSchedules.create({
			from_subscription: subscription.id
		});
		const coupon = await stripe.coupons.create({ percent_off: 10, duration: 'forever' });
		const code = await stripe.promotionCodes.create({
			promotion: { type: 'coupon', coupon: coupon.id }
		});
		const setup = await stripe.setupIntents.create({
			customer,
			payment_method: 'pm_card_visa',
			confirm: true,
			return_url: 'http://app.test/'
		});
		const endpoint = await stripe.webhookEndpoints.create({
			url: 'http://127.0.0.1:9/',
			enabled_events: ['customer.deleted']
		});
		const clock = await stripe.testHelpers.testClocks.create({ frozen_time: 1_800_000_000 });
		const taxId = await stripe.customers.createTaxId(customer, {
			type: 'do_rcn',
			value: '101234567'
		});
		const dispute = await control('/disputes', { payment_intent: (await lab.paid()).intent });
		const config = await stripe.billingPortal.configurations.create({
			features: { invoice_history: { enabled: true } }
		});
		const methods = await stripe.customers.listPaymentMethods(customer);
		const [event] = (await stripe.events.list({ limit: 1 })).data;

		const answers: [string, string][] = [
			[
				'Checkout.Session',
				`/v1/checkout/sessions/${session.id}?expand[]=line_items&expand[]=customer`
			],
			['Subscription', `/v1/subscriptions/${subscription.id}?expand[]=latest_invoice`],
			['SubscriptionItem', `/v1/subscription_items/${item?.id}`],
			['Invoice', `/v1/invoices/${invoice.id}?expand[]=payments`],
			['Customer', `/v1/customers/${customer}`],
			['Product', `/v1/products/${item?.price.product}`],
			['Price', `/v1/prices/${item?.price.id}`],
			['PaymentIntent', `/v1/payment_intents/${intent}?expand[]=latest_charge`],
			['Charge', `/v1/charges/${charge}?expand[]=refunds`],
			['Refund', `/v1/refunds/${refund.id}`],
			['CreditNote', `/v1/credit_notes/${note.id}`],
			['Dispute', `/v1/disputes/${dispute.id}`],
			['SubscriptionSchedule', `/v1/subscription_schedules/${schedule.id}`],
			['Coupon', `/v1/coupons/${coupon.id}`],
			['PromotionCode', `/v1/promotion_codes/${code.id}`],
			['SetupIntent', `/v1/setup_intents/${setup.id}`],
			['WebhookEndpoint', `/v1/webhook_endpoints/${endpoint.id}`],
			['TestHelpers.TestClock', `/v1/test_helpers/test_clocks/${clock.id}`],
			['TaxId', `/v1/customers/${customer}/tax_ids/${taxId.id}`],
			['BillingPortal.Configuration', `/v1/billing_portal/configurations/${config.id}`],
			['PaymentMethod', `/v1/payment_methods/${methods.data[0]?.id}`],
			['Event', `/v1/events/${event?.id}`]
		];
		const odd: string[] = [];
		for (const [schema, path] of answers) {
			odd.push(...specErrors(schema, await get(path)).map((error) => `${schema} ${error}`));
		}
		expect(odd).toEqual([]);
		const [payment] = (await stripe.invoicePayments.list({ invoice: invoice.id })).data;
		expect(specErrors('InvoicePayment', payment)).toEqual([]);
		const preview = await fetch(`${lab.server.url}/v1/invoices/create_preview`, {
			method: 'POST',
			headers: { authorization: `Bearer ${lab.server.key}` },
			body: new URLSearchParams({ subscription: subscription.id })
		});
		expect(specErrors('Invoice', await preview.json())).toEqual([]);
		const portal = await stripe.billingPortal.sessions.create({
			customer,
			configuration: config.id
		});
		expect(specErrors('BillingPortal.Session', portal)).toEqual([]);
		const error = await fetch(`${lab.server.url}/v1/customers/cus_none`, {
			headers: { authorization: `Bearer ${lab.server.key}` }
		});
		expect(specErrors('ErrorEnvelope', await error.json())).toEqual([]);
	}
);

test('the objects carry none of the fields that the API has dropped', async () => {
	const { subscription, invoice } = await lab.paid();
	const gone = ['current_period_start', 'current_period_end', 'discount', 'plan'];
	expect(Object.keys(subscription).filter((name) => gone.includes(name))).toEqual([]);
	const goneFromInvoice = ['subscription', 'payment_intent', 'charge', 'paid', 'tax'];
	expect(Object.keys(invoice).filter((name) => goneFromInvoice.includes(name))).toEqual([]);
	expect(invoice.parent?.subscription_details?.subscription).toBe(subscription.id);
	expect(invoice.lines.data[0]?.pricing?.price_details?.price).toBe(
		subscription.items.data[0]?.price.id
	);
});
