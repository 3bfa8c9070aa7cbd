import { expect, it } from 'vitest';
import { aPaidInvoice } from '../../../tests/factories/invoices.ts';
import { eventsOf, listenToBilling } from '../../../tests/setup/billing.ts';
import { testDatabase } from '../../../tests/setup/database.ts';
import { invoiceRow, order } from '../../../tests/setup/invoices.ts';
import { testQueue } from '../../../tests/setup/queue.ts';
import { testStripe } from '../../../tests/setup/stripe.ts';
import { after, DAY, now } from '#lib/core/clock.server.ts';
import { monthKey } from '#lib/core/dates.ts';
import { asCustomer, db, transaction } from '#lib/core/db.server.ts';
import { keepEvent, processEvent } from './events.server.ts';
import { closeMonths } from './figureMonths.server.ts';
import { revenue } from './figureRevenue.server.ts';
import { portalInvoice } from './invoicePage.server.ts';
import './jobs.server.ts';

await testDatabase();
const stripe = await testStripe();
listenToBilling();
await testQueue({ work: false });

/** What went back in the month of a moment, of the plan that an invoice was for. */
async function backInMonth(planKey: string | null, at: Date): Promise<number> {
	const month = monthKey(at, 'UTC');
	const cuts = await revenue(db, {
		...{ at: after(at, 40 * DAY), zone: 'UTC', currency: 'usd', first: month, last: month }
	});
	return cuts.byPlan.find(({ key }) => key === planKey)?.refunded ?? 0;
}

/** A payment that is disputed and decided, with the webhooks that tell of it, none of them delivered. */
async function disputed(status: 'won' | 'lost') {
	const { invoice, stripeInvoiceId } = await aPaidInvoice(stripe, { amount: 10_000 });
	const { data } = await stripe.api.invoicePayments.list({ invoice: stripeInvoiceId });
	const since = eventsOf(stripe).length;
	const { id } = await stripe.control('/disputes', {
		payment_intent: data[0]!.payment.payment_intent
	});
	await stripe.control(`/disputes/${String(id)}/close`, { status });
	const events = eventsOf(stripe).slice(since);
	expect(events.map(({ type }) => type)).toEqual(
		expect.arrayContaining(['charge.dispute.created', 'charge.dispute.closed'])
	);
	for (const event of events) await transaction((tx) => keepEvent(tx, event));
	return { invoice, events };
}

/** Every way in which these may come, and some that say it twice. */
function orders<T>(events: T[]): T[][] {
	if (events.length < 2) return [events];
	const all = events.flatMap((first, index) =>
		orders(events.toSpliced(index, 1)).map((rest) => [first, ...rest])
	);
	return [...all, ...all.slice(0, 2).map((one) => [...one, one[0]!])];
}

it('that is lost counts as given back, in whatever order Stripe tells', async () => {
	const { invoice, events } = await disputed('lost');
	for (const sequence of orders(events)) {
		await db.dispute.deleteMany({ where: { invoiceId: invoice.id } });
		for (const event of sequence) {
			await db.stripeEvent.update({ where: { eventId: event.id }, data: { processed: false } });
			await processEvent(event.id);
		}
		expect(await invoiceRow(invoice.id)).toMatchObject({
			...{ amountPaid: 10_000, refundedAmount: 10_000, chargedBackAmount: 10_000 }
		});
		const disputes = await db.dispute.findMany({ where: { invoiceId: invoice.id } });
		expect(disputes).toMatchObject([{ status: 'lost', amount: 10_000 }]);
		expect(await backInMonth(invoice.planKey, disputes[0]!.withdrawnAt!)).toBe(10_000);
	}
	await expect(order(invoice.id, 'refund', { amount: 1 })).rejects.toMatchObject({
		code: 'INVOICE_NOTHING_LEFT'
	});
	const scope = { customerId: invoice.customerId, userId: invoice.customerId };
	const seen = await asCustomer(scope, (tx) => portalInvoice(tx, scope.customerId, invoice.id));
	expect(seen).toMatchObject({ chargedBackAmount: 10_000, disputes: [{ status: 'lost' }] });
});

it('that is won leaves everything as it was', async () => {
	const { invoice, events } = await disputed('won');
	for (const event of events) await processEvent(event.id);
	expect(await invoiceRow(invoice.id)).toMatchObject({ refundedAmount: 0, chargedBackAmount: 0 });
	expect(await backInMonth(invoice.planKey, now())).toBe(0);
});

it('that is lost after its month was summed opens the month again', async () => {
	const { invoice, stripeInvoiceId } = await aPaidInvoice(stripe, { amount: 4_200 });
	const { data } = await stripe.api.invoicePayments.list({ invoice: stripeInvoiceId });
	const { id } = await stripe.control('/disputes', {
		payment_intent: data[0]!.payment.payment_intent
	});
	const deliver = async () => {
		for (const event of eventsOf(stripe)) {
			await transaction((tx) => keepEvent(tx, event));
			await processEvent(event.id);
		}
	};
	await deliver();
	const { withdrawnAt } = await db.dispute.findUniqueOrThrow({
		where: { stripeDisputeId: String(id) }
	});
	const later = after(now(), 62 * DAY);
	await closeMonths(later, 'UTC');
	// While the bank decides, nobody knows whose the money is.
	expect(await backInMonth(invoice.planKey, withdrawnAt!)).toBe(0);
	await stripe.control(`/disputes/${String(id)}/close`, { status: 'lost' });
	await deliver();
	expect(await backInMonth(invoice.planKey, withdrawnAt!)).toBe(4_200);
	await closeMonths(later, 'UTC');
	expect(await backInMonth(invoice.planKey, withdrawnAt!)).toBe(4_200);
});
