import { randomUUID } from 'node:crypto';
import { SYSTEM } from '#lib/logs/audit.server.ts';
import { forgetSettings, saveSetting } from '#lib/settings/settings.server.ts';
import { describe, expect, it } from 'vitest';
import { aPaidInvoice, anOpenInvoice } from '../../../tests/factories/invoices.ts';
import { listenToBilling, waitingJobs } from '../../../tests/setup/billing.ts';
import { testDatabase } from '../../../tests/setup/database.ts';
import {
	actOf,
	ana,
	atStripe,
	invoiceRow as row,
	luis,
	order
} from '../../../tests/setup/invoices.ts';
import { testQueue } from '../../../tests/setup/queue.ts';
import { testStripe } from '../../../tests/setup/stripe.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { retryInvoiceAct } from './invoiceActs.server.ts';
import { runInvoiceAct, tryInvoiceAct } from './invoiceActRun.server.ts';
import './jobs.server.ts';
import { mirrorRefund } from './moneyBack.server.ts';

await testDatabase();
const stripe = await testStripe();
listenToBilling();
await testQueue({ work: false });
const { api } = stripe;
const { notesOf, refundsOf } = atStripe(stripe);

describe('a refund', () => {
	it('goes back through a credit note, and is told when Stripe says so', async () => {
		const { invoice, stripeInvoiceId } = await aPaidInvoice(stripe);
		const { id } = await order(invoice.id, 'refund', { amount: 1_900 });
		expect(await actOf(id)).toMatchObject({ status: 'ordered', amount: 1_900, currency: 'usd' });
		expect(await tryInvoiceAct(id)).toMatchObject({ status: 'done', error: null });
		expect(await notesOf(stripeInvoiceId)).toMatchObject([
			{ amount: 1_900, metadata: { invoice_act: id }, memo: null }
		]);
		expect(await row(invoice.id)).toMatchObject({ creditedAmount: 1_900, refundedAmount: 1_900 });
		expect(await db.refund.findMany({ where: { invoiceId: invoice.id } })).toMatchObject([
			{ amount: 1_900, status: 'succeeded' }
		]);
	});

	it('in parts makes credit notes that add up to the invoice, and nothing beyond', async () => {
		const { invoice, stripeInvoiceId } = await aPaidInvoice(stripe, { amount: 10_001 });
		for (const amount of [3_333, 3_334, 3_334]) {
			const act = await order(invoice.id, 'refund', { amount });
			expect(await tryInvoiceAct(act.id)).toMatchObject({ status: 'done' });
		}
		const notes = await notesOf(stripeInvoiceId);
		expect(notes.map(({ amount }) => amount).toSorted()).toEqual([3_333, 3_334, 3_334]);
		expect(await row(invoice.id)).toMatchObject({ creditedAmount: 10_001, refundedAmount: 10_001 });
		await expect(order(invoice.id, 'refund', { amount: 1 })).rejects.toMatchObject({
			code: 'INVOICE_NOTHING_LEFT'
		});
	});

	it('of a currency without decimals is whole', async () => {
		const { invoice, paid } = await aPaidInvoice(stripe, { amount: 45_000, currency: 'clp' });
		expect(invoice).toMatchObject({ currency: 'clp', total: 45_000, amountPaid: 45_000 });
		await transaction((tx) =>
			saveSetting(tx, 'billing.four_eyes_above', '500 clp:450000', SYSTEM, 0)
		);
		const act = await order(invoice.id, 'refund', { amount: 44_999 });
		expect(await tryInvoiceAct(act.id)).toMatchObject({ status: 'done', currency: 'clp' });
		expect(refundsOf(paid.stripeCustomerId)).toMatchObject([{ amount: 44_999, currency: 'clp' }]);
		await db.setting.deleteMany({ where: { key: 'billing.four_eyes_above' } });
		forgetSettings();
	});

	it.each([0, -1, 1.5, 4_901])('of %s is refused beside its field', async (amount) => {
		const { invoice } = await aPaidInvoice(stripe);
		await expect(order(invoice.id, 'refund', { amount })).rejects.toMatchObject({
			code: 'BAD_INPUT',
			fields: { amount: expect.any(String) }
		});
		expect(await db.invoiceAct.count({ where: { invoiceId: invoice.id } })).toBe(0);
	});

	it('asked for twice at the same time gives back once', async () => {
		const { invoice, paid } = await aPaidInvoice(stripe);
		const both = await Promise.allSettled([
			order(invoice.id, 'refund', { amount: 4_900 }),
			order(invoice.id, 'refund', { amount: 4_900, by: luis })
		]);
		expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
		const [act] = await db.invoiceAct.findMany({ where: { invoiceId: invoice.id } });
		await Promise.allSettled([tryInvoiceAct(act!.id), tryInvoiceAct(act!.id)]);
		await runInvoiceAct(act!.id);
		expect(await actOf(act!.id)).toMatchObject({ status: 'done' });
		expect(refundsOf(paid.stripeCustomerId)).toMatchObject([{ amount: 4_900 }]);
	});

	it('cannot exceed what is left beside a credit note that is under way, or at Stripe', async () => {
		const { invoice, paid } = await aPaidInvoice(stripe);
		await order(invoice.id, 'credit_note', { amount: 4_000 });
		await expect(order(invoice.id, 'refund', { amount: 1_000 })).rejects.toMatchObject({
			code: 'BAD_INPUT'
		});
		const other = await aPaidInvoice(stripe);
		const act = await order(other.invoice.id, 'refund', { amount: 4_900 });
		// Somebody gives it back in Stripe's dashboard in this moment.
		const [payment] = (await api.invoicePayments.list({ invoice: other.stripeInvoiceId })).data;
		await api.refunds.create({
			payment_intent: String(payment!.payment.payment_intent),
			amount: 2_000
		});
		expect(await tryInvoiceAct(act.id)).toMatchObject({ status: 'failed', error: 'nothing_left' });
		expect(refundsOf(other.paid.stripeCustomerId)).toMatchObject([{ amount: 2_000 }]);
		expect(await row(other.invoice.id)).toMatchObject({ refundedAmount: 2_000 });
		expect(refundsOf(paid.stripeCustomerId)).toEqual([]);
	});

	it('sent twice by the same form is one', async () => {
		const { invoice, paid } = await aPaidInvoice(stripe);
		const id = randomUUID();
		const first = await order(invoice.id, 'refund', { amount: 900, id });
		await tryInvoiceAct(first.id);
		const second = await order(invoice.id, 'refund', { amount: 900, id });
		expect(second).toMatchObject({ id, status: 'done' });
		await tryInvoiceAct(second.id);
		expect(refundsOf(paid.stripeCustomerId)).toHaveLength(1);
		await expect(order(invoice.id, 'credit_note', { amount: 900, id })).rejects.toMatchObject({
			code: 'CHANGED_MEANWHILE'
		});
	});

	it('that is on its way is pending, and done when it arrives', async () => {
		const { invoice } = await aPaidInvoice(stripe);
		await stripe.control('/refunds/next', { status: 'pending' });
		const act = await order(invoice.id, 'refund');
		expect(await tryInvoiceAct(act.id)).toMatchObject({ status: 'pending', amount: 4_900 });
		const { stripeRefundId } = await db.refund.findFirstOrThrow({
			where: { invoiceId: invoice.id }
		});
		await stripe.control(`/refunds/${stripeRefundId}/outcome`, { status: 'succeeded' });
		await mirrorRefund(stripeRefundId);
		expect(await waitingJobs('billing.run-invoice-act')).toContainEqual({ actId: act.id });
		await runInvoiceAct(act.id);
		expect(await actOf(act.id)).toMatchObject({ status: 'done' });
	});

	it('that bounces afterwards fails, and goes once more alone when somebody says so', async () => {
		const { invoice, stripeInvoiceId, paid } = await aPaidInvoice(stripe);
		const act = await order(invoice.id, 'refund');
		await tryInvoiceAct(act.id);
		const { stripeRefundId } = await db.refund.findFirstOrThrow({
			where: { invoiceId: invoice.id }
		});
		await stripe.control(`/refunds/${stripeRefundId}/outcome`, { status: 'failed' });
		await mirrorRefund(stripeRefundId);
		await runInvoiceAct(act.id);
		expect(await actOf(act.id)).toMatchObject({ status: 'failed', error: 'bounced' });
		expect(
			await db.notification.count({ where: { userId: ana.id!, kind: 'invoice_act_failed' } })
		).toBe(1);
		await transaction((tx) => retryInvoiceAct(tx, act.id, luis));
		expect(await tryInvoiceAct(act.id)).toMatchObject({ status: 'done', tries: 2 });
		expect(await notesOf(stripeInvoiceId)).toHaveLength(1);
		expect(
			refundsOf(paid.stripeCustomerId)
				.map(({ status }) => status)
				.toSorted()
		).toEqual(['failed', 'succeeded']);
	});

	it('of what was paid elsewhere is refused with a sentence', async () => {
		const { invoice } = await anOpenInvoice(stripe);
		await tryInvoiceAct((await order(invoice.id, 'mark_paid')).id);
		expect(await row(invoice.id)).toMatchObject({ status: 'paid', paidOutOfBand: true });
		await expect(order(invoice.id, 'refund')).rejects.toMatchObject({
			code: 'INVOICE_NOTHING_LEFT'
		});
	});
});

it('keeps the sums by month equal to the rows', async () => {
	const [sums] = await db.$queryRaw<object[]>`
		SELECT sum(invoices)::int AS n, sum(total)::int AS total, sum(paid)::int AS paid, sum(remaining)::int AS remaining,
			sum(credited)::int AS credited, sum(refunded)::int AS refunded FROM invoice_months WHERE invoices <> 0`;
	const [rows] = await db.$queryRaw<object[]>`
		SELECT count(*)::int AS n, sum(total)::int AS total, sum(amount_paid)::int AS paid, sum(amount_remaining)::int AS remaining,
			sum(credited_amount)::int AS credited, sum(refunded_amount)::int AS refunded FROM invoices`;
	expect(sums).toEqual(rows);
});
