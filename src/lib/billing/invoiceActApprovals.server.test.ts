import { describe, expect, it } from 'vitest';
import { aPaidInvoice, anOpenInvoice } from '../../../tests/factories/invoices.ts';
import { listenToBilling } from '../../../tests/setup/billing.ts';
import { testDatabase } from '../../../tests/setup/database.ts';
import { actOf, ana, atStripe, luis, order } from '../../../tests/setup/invoices.ts';
import { testQueue } from '../../../tests/setup/queue.ts';
import { testStripe } from '../../../tests/setup/stripe.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { approveInvoiceAct, rejectInvoiceAct } from './invoiceActs.server.ts';
import { runInvoiceAct, tryInvoiceAct } from './invoiceActRun.server.ts';
import './jobs.server.ts';

await testDatabase();
const stripe = await testStripe();
listenToBilling();
await testQueue({ work: false });
const { refundsOf } = atStripe(stripe);

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
