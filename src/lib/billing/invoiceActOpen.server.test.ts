import { describe, expect, it } from 'vitest';
import { anOpenInvoice, giveCard } from '../../../tests/factories/invoices.ts';
import { listenToBilling } from '../../../tests/setup/billing.ts';
import { testDatabase } from '../../../tests/setup/database.ts';
import { invoiceRow as row, order, luis } from '../../../tests/setup/invoices.ts';
import { testQueue } from '../../../tests/setup/queue.ts';
import { testStripe } from '../../../tests/setup/stripe.ts';
import { db } from '#lib/core/db.server.ts';
import { tryInvoiceAct } from './invoiceActRun.server.ts';
import { payNow } from './invoicePay.server.ts';
import './jobs.server.ts';

await testDatabase();
const stripe = await testStripe();
listenToBilling();
await testQueue({ work: false });
const { api } = stripe;

describe('an open invoice', () => {
	it('tells each attempt with its reason, and the one that paid', async () => {
		const { invoice, paid } = await anOpenInvoice(stripe);
		for (let again = 0; again < 2; again++) {
			const act = await order(invoice.id, 'retry');
			expect(await tryInvoiceAct(act.id)).toMatchObject({
				status: 'failed',
				error: expect.stringMatching(/^declined/),
				declineCode: 'generic_decline'
			});
		}
		await giveCard(stripe, paid.stripeSubscriptionId, '4242424242424242');
		await tryInvoiceAct((await order(invoice.id, 'retry')).id);
		const attempts = await db.paymentAttempt.findMany({
			where: { invoiceId: invoice.id },
			orderBy: [{ at: 'asc' }, { id: 'asc' }]
		});
		expect(
			attempts.map(({ status, declineCode, adviceCode }) => [status, declineCode, adviceCode])
		).toEqual([
			['failed', 'generic_decline', 'try_again_later'],
			['failed', 'generic_decline', 'try_again_later'],
			['failed', 'generic_decline', 'try_again_later'],
			['succeeded', null, null]
		]);
		expect(new Set(attempts.map(({ stripePaymentIntentId }) => stripePaymentIntentId)).size).toBe(
			1
		);
		expect(await row(invoice.id)).toMatchObject({ status: 'paid', amountRemaining: 0 });
	});

	it('whose bank wants the person says so', async () => {
		const { invoice, paid } = await anOpenInvoice(stripe);
		await giveCard(stripe, paid.stripeSubscriptionId, '4000002500003155');
		const act = await order(invoice.id, 'retry', { onSession: true });
		expect(await tryInvoiceAct(act.id)).toMatchObject({
			status: 'failed',
			error: 'authentication',
			declineCode: 'authentication_required'
		});
		expect(
			await db.paymentAttempt.findFirst({
				where: { invoiceId: invoice.id, status: 'requires_action' }
			})
		).toMatchObject({ stripeChargeId: null, declineCode: 'authentication_required' });
	});

	it('can be voided, once', async () => {
		const { invoice } = await anOpenInvoice(stripe);
		const act = await order(invoice.id, 'void');
		expect(await tryInvoiceAct(act.id)).toMatchObject({ status: 'done' });
		expect(await row(invoice.id)).toMatchObject({ status: 'void' });
		await expect(order(invoice.id, 'void')).rejects.toMatchObject({ code: 'INVOICE_NOT_OPEN' });
	});

	it('that its customer paid meanwhile is neither voided nor marked', async () => {
		const { invoice, paid, stripeInvoiceId } = await anOpenInvoice(stripe);
		const marking = await order(invoice.id, 'mark_paid');
		const voiding = await order(invoice.id, 'void');
		await giveCard(stripe, paid.stripeSubscriptionId, '4242424242424242');
		await api.invoices.pay(stripeInvoiceId);
		for (const { id } of [marking, voiding])
			expect(await tryInvoiceAct(id)).toMatchObject({ status: 'failed', error: 'already_paid' });
		expect(await row(invoice.id)).toMatchObject({ status: 'paid', paidOutOfBand: false });
	});

	it('is owed less after a credit note', async () => {
		const { invoice } = await anOpenInvoice(stripe);
		const part = await order(invoice.id, 'credit_note', { amount: 1_000 });
		expect(await tryInvoiceAct(part.id)).toMatchObject({ status: 'done' });
		const after = await row(invoice.id);
		expect(after).toMatchObject({
			status: 'open',
			creditedAmount: 1_000,
			amountRemaining: invoice.amountRemaining - 1_000
		});
		await tryInvoiceAct((await order(invoice.id, 'credit_note')).id);
		expect(await row(invoice.id)).toMatchObject({
			status: 'paid',
			amountPaid: 0,
			amountRemaining: 0,
			creditedAmount: invoice.total,
			paidOutOfBand: false
		});
	});
});

describe('paying now', () => {
	const payer = (customerId: string, invoiceId: string) => ({ customerId, invoiceId, by: luis });

	it('charges the saved card of who is there', async () => {
		const { invoice, paid, customer } = await anOpenInvoice(stripe);
		await giveCard(stripe, paid.stripeSubscriptionId, '4242424242424242');
		const { act, page } = await payNow(payer(customer.id, invoice.id));
		expect(act).toMatchObject({ status: 'done', onSession: true });
		expect(page).toBeNull();
		expect(await row(invoice.id)).toMatchObject({ status: 'paid' });
	});

	it('goes on at Stripe’s page where the bank wants it confirmed', async () => {
		const { invoice, paid, customer, stripeInvoiceId } = await anOpenInvoice(stripe);
		await giveCard(stripe, paid.stripeSubscriptionId, '4000002500003155');
		const { act, page } = await payNow(payer(customer.id, invoice.id));
		expect(act).toMatchObject({ status: 'failed', declineCode: 'authentication_required' });
		expect(page).toBe((await api.invoices.retrieve(stripeInvoiceId)).hosted_invoice_url);
	});

	it('is nobody else’s to do', async () => {
		const { invoice } = await anOpenInvoice(stripe);
		const other = await anOpenInvoice(stripe);
		await expect(payNow(payer(other.customer.id, invoice.id))).rejects.toMatchObject({
			code: 'NOT_FOUND'
		});
		expect(await db.invoiceAct.count({ where: { invoiceId: invoice.id } })).toBe(0);
	});
});
