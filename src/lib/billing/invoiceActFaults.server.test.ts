import { describe, expect, it } from 'vitest';
import { aPaidInvoice, anOpenInvoice, giveCard } from '../../../tests/factories/invoices.ts';
import { listenToBilling, waitingJobs } from '../../../tests/setup/billing.ts';
import { testDatabase } from '../../../tests/setup/database.ts';
import { actOf, atStripe, order } from '../../../tests/setup/invoices.ts';
import { testQueue } from '../../../tests/setup/queue.ts';
import { testStripe } from '../../../tests/setup/stripe.ts';
import { db } from '#lib/core/db.server.ts';
import { tuning } from '#lib/settings/clients.server.ts';
import { runInvoiceAct, tryInvoiceAct } from './invoiceActRun.server.ts';
import { finishInvoiceActs } from './invoiceJobs.server.ts';
import './jobs.server.ts';
import { refreshInvoice } from './refresh.server.ts';

await testDatabase();
const stripe = await testStripe();
listenToBilling();
await testQueue({ work: false });
tuning.stripeTimeoutMs = 500;
tuning.stripeReadRetries = 0;
const { notesOf, refundsOf } = atStripe(stripe);

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
