import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { aPaidInvoice, anOpenInvoice, giveCard } from '../../../tests/factories/invoices.ts';
import { listenToBilling, waitingJobs } from '../../../tests/setup/billing.ts';
import { testDatabase } from '../../../tests/setup/database.ts';
import { testQueue } from '../../../tests/setup/queue.ts';
import { testStripe } from '../../../tests/setup/stripe.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { SYSTEM, type Actor } from '#lib/logs/audit.server.ts';
import { tuning } from '#lib/settings/clients.server.ts';
import { forgetSettings, saveSetting } from '#lib/settings/settings.server.ts';
import type { InvoiceActKind } from '#prisma/generated/client.ts';
import {
	approveInvoiceAct,
	orderInvoiceAct,
	rejectInvoiceAct,
	retryInvoiceAct
} from './invoiceActs.server.ts';
import { runInvoiceAct, tryInvoiceAct } from './invoiceActRun.server.ts';
import { finishInvoiceActs } from './invoiceJobs.server.ts';
import './jobs.server.ts';
import { mirrorRefund } from './moneyBack.server.ts';
import { refreshInvoice } from './refresh.server.ts';

await testDatabase();
const stripe = await testStripe();
listenToBilling();
await testQueue({ work: false });
tuning.stripeTimeoutMs = 500;
tuning.stripeReadRetries = 0;
const { api } = stripe;

const person = (label: string): Actor => ({ kind: 'staff', id: randomUUID(), label });
const ana = person('ana@erp.test');
const luis = person('luis@erp.test');

const order = (
	invoiceId: string,
	kind: InvoiceActKind,
	more: { amount?: number; id?: string; onSession?: boolean; by?: Actor } = {}
) =>
	transaction((tx) =>
		orderInvoiceAct(tx, { invoiceId, kind, reason: 'pruebas', by: ana, ...more })
	);
const actOf = (id: string) => db.invoiceAct.findUniqueOrThrow({ where: { id } });
const row = (id: string) => db.invoice.findUniqueOrThrow({ where: { id } });
const notesOf = async (invoice: string) => (await api.creditNotes.list({ invoice })).data;
const refundsOf = (customer: string) =>
	stripe.server.account.all('refunds').filter((one) => one.customer === customer);

beforeEach(() => stripe.kernel.faults.clear());

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

describe('a process that dies and an answer that is lost', () => {
	it('is ended by the job when nobody got to Stripe', async () => {
		const { invoice, paid } = await aPaidInvoice(stripe);
		const act = await order(invoice.id, 'refund', { amount: 500 });
		expect(await waitingJobs('billing.run-invoice-act')).toContainEqual({ actId: act.id });
		await db.invoiceAct.update({
			where: { id: act.id },
			data: { createdAt: new Date(Date.now() - 600_000) }
		});
		await db.$executeRaw`DELETE FROM pgboss.job WHERE name = 'billing.run-invoice-act'`;
		await finishInvoiceActs();
		expect(await waitingJobs('billing.run-invoice-act')).toContainEqual({ actId: act.id });
		await runInvoiceAct(act.id);
		await runInvoiceAct(act.id);
		expect(refundsOf(paid.stripeCustomerId)).toMatchObject([{ amount: 500 }]);
	});

	it.each([
		['refund', 'credit_notes'],
		['credit_note', 'credit_notes'],
		['retry', '/pay'],
		['mark_paid', '/pay'],
		['void', '/void']
	] as const)('does %s once although Stripe’s answer is lost', async (kind, match) => {
		const open = kind !== 'refund' && kind !== 'credit_note';
		const { invoice, stripeInvoiceId, paid } = open
			? await anOpenInvoice(stripe)
			: await aPaidInvoice(stripe);
		if (kind === 'retry') await giveCard(stripe, paid.stripeSubscriptionId, '4242424242424242');
		const act = await order(invoice.id, kind);
		stripe.fault({ match: `POST .*${match}`, kind: 'reset', when: 'after', times: 2 });
		expect(await tryInvoiceAct(act.id)).toMatchObject({
			status: 'ordered',
			error: expect.stringMatching(/^unavailable/)
		});
		stripe.kernel.faults.clear();
		await runInvoiceAct(act.id);
		expect(await actOf(act.id)).toMatchObject({ status: 'done', error: null, tries: 1 });
		// Again and again changes nothing.
		const charges = stripe.server.account.all('charges').length;
		const notes = (await notesOf(stripeInvoiceId)).length;
		await runInvoiceAct(act.id);
		await refreshInvoice(stripeInvoiceId);
		expect(stripe.server.account.all('charges')).toHaveLength(charges);
		expect(await notesOf(stripeInvoiceId)).toHaveLength(notes);
		expect(notes).toBe(open ? 0 : 1);
	});

	it('waits while Stripe is down, and says so', async () => {
		const { invoice, paid } = await aPaidInvoice(stripe);
		const act = await order(invoice.id, 'refund');
		stripe.fault({ match: '/v1/', kind: 'status', status: 503, times: 50 });
		expect(await tryInvoiceAct(act.id)).toMatchObject({ status: 'ordered' });
		await expect(runInvoiceAct(act.id)).rejects.toThrow();
		stripe.kernel.faults.clear();
		await runInvoiceAct(act.id);
		expect(await actOf(act.id)).toMatchObject({ status: 'done', error: null });
		expect(refundsOf(paid.stripeCustomerId)).toHaveLength(1);
	});
});

describe('four eyes', () => {
	const dear = () => aPaidInvoice(stripe, { amount: 60_000 });

	it('wait for another person above the limit of the setting', async () => {
		const { invoice, paid } = await dear();
		const act = await order(invoice.id, 'refund', { amount: 50_001 });
		expect(act.status).toBe('waiting_approval');
		await runInvoiceAct(act.id);
		expect(refundsOf(paid.stripeCustomerId)).toEqual([]);
		expect(
			await db.notification.findFirst({ where: { dedupeKey: `invoice-act:${act.id}` } })
		).toMatchObject({ permission: 'billing:approve' });
		await expect(transaction((tx) => approveInvoiceAct(tx, act.id, ana))).rejects.toMatchObject({
			code: 'TWO_PEOPLE_NEEDED'
		});
		await transaction((tx) => approveInvoiceAct(tx, act.id, luis));
		expect(await tryInvoiceAct(act.id)).toMatchObject({ status: 'done', approvedBy: luis.label });
		await expect(transaction((tx) => approveInvoiceAct(tx, act.id, luis))).rejects.toMatchObject({
			code: 'CHANGED_MEANWHILE'
		});
		expect(refundsOf(paid.stripeCustomerId)).toMatchObject([{ amount: 50_001 }]);
	});

	it('are two in the table as well', async () => {
		const { invoice } = await dear();
		const act = await order(invoice.id, 'refund', { amount: 60_000 });
		await expect(
			db.invoiceAct.update({
				where: { id: act.id },
				data: { status: 'ordered', approvedById: ana.id, approvedBy: ana.label }
			})
		).rejects.toThrow(/invoice_acts_two_people/);
		expect(await actOf(act.id)).toMatchObject({ status: 'waiting_approval' });
	});

	it('may say no; who asked is told', async () => {
		const { invoice, paid } = await dear();
		const act = await order(invoice.id, 'refund', { amount: 60_000 });
		await transaction((tx) => rejectInvoiceAct(tx, act.id, { by: luis, reason: 'duplicado' }));
		expect(await tryInvoiceAct(act.id)).toMatchObject({
			status: 'rejected',
			error: 'rejected|duplicado'
		});
		expect(refundsOf(paid.stripeCustomerId)).toEqual([]);
		expect(
			await db.notification.count({ where: { userId: ana.id!, kind: 'invoice_act_rejected' } })
		).toBe(1);
		// What was rejected reserves nothing.
		expect(await order(invoice.id, 'refund', { amount: 60_000 })).toMatchObject({
			status: 'waiting_approval'
		});
	});

	it('are not asked at the limit, nor for what gives nothing back', async () => {
		const { invoice } = await dear();
		expect(await order(invoice.id, 'refund', { amount: 50_000 })).toMatchObject({
			status: 'ordered'
		});
		const open = await anOpenInvoice(stripe, { amount: 60_000 });
		expect(await order(open.invoice.id, 'retry')).toMatchObject({ status: 'ordered' });
		expect(await order(open.invoice.id, 'mark_paid')).toMatchObject({ status: 'waiting_approval' });
	});
});

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

it('keeps the sums by month equal to the rows', async () => {
	const [sums] = await db.$queryRaw<object[]>`
		SELECT sum(invoices)::int AS n, sum(total)::int AS total, sum(paid)::int AS paid, sum(remaining)::int AS remaining,
			sum(credited)::int AS credited, sum(refunded)::int AS refunded FROM invoice_months WHERE invoices <> 0`;
	const [rows] = await db.$queryRaw<object[]>`
		SELECT count(*)::int AS n, sum(total)::int AS total, sum(amount_paid)::int AS paid, sum(amount_remaining)::int AS remaining,
			sum(credited_amount)::int AS credited, sum(refunded_amount)::int AS refunded FROM invoices`;
	expect(sums).toEqual(rows);
});
