import { now } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { log } from '#lib/core/log.server.ts';
import { publish } from '#lib/core/live.server.ts';
import { VendorError } from '#lib/integrations/errors.ts';
import { StripeVendorError } from '#lib/integrations/stripe/errors.ts';
import { audit, SYSTEM } from '#lib/logs/audit.server.ts';
import { notify } from '#lib/notifications/notifications.server.ts';
import { stripeClient } from '#lib/settings/clients.server.ts';
import type { InvoiceAct } from '#prisma/generated/client.ts';
import { ACT_EFFECTS } from './invoiceActEffects.server.ts';
import { refused } from './invoiceActOutcome.server.ts';
import { actError, type Outcome } from './invoiceActTypes.ts';
import { refreshInvoice } from './refresh.server.ts';
import { mirrorSubscription } from './subscriptions.server.ts';

/**
 * Takes an act as far as it goes: Stripe is asked what is there, told what is missing, and asked again; our mirror is
 * written before anybody is told. Runs any number of times, beside others, and after any failure.
 * @param here the person who asked waits for the answer, and needs no notification of it
 * @throws {VendorError} when Stripe did not answer this time; the act stays ordered, and the queue tries again
 */
export async function runInvoiceAct(actId: string, here = false): Promise<void> {
	const act = await db.invoiceAct.findUnique({
		where: { id: actId },
		include: { invoice: { select: { stripeInvoiceId: true, number: true } } }
	});
	const stripeInvoiceId = act?.invoice.stripeInvoiceId;
	if (!act || !stripeInvoiceId || !MOVES.has(act.status)) return;
	// One that is done is only looked at again because its refund may have bounced after all.
	if (act.status === 'done' && act.kind !== 'refund') return;
	const client = await stripeClient({ subjectId: act.invoiceId, customerId: act.customerId });
	let outcome: Outcome;
	try {
		const invoice = await client.invoices.retrieve(stripeInvoiceId);
		outcome = await ACT_EFFECTS[act.kind](client, act, invoice);
	} catch (error) {
		if (error instanceof StripeVendorError && !error.retryable && !error.ambiguous)
			outcome = refused(error);
		else {
			await note(act, error);
			throw error;
		}
	}
	const mirrored = await refreshInvoice(stripeInvoiceId);
	if (mirrored?.stripeSubscriptionId) await mirrorSubscription(mirrored.stripeSubscriptionId);
	await settle(act, outcome, here);
}

const MOVES = new Set(['ordered', 'pending', 'done']);

/**
 * The same for a page: what Stripe does not answer now, the job completes.
 * @returns the act as it stands afterwards
 */
export async function tryInvoiceAct(actId: string): Promise<InvoiceAct> {
	try {
		await runInvoiceAct(actId, true);
	} catch (error) {
		if (!(error instanceof VendorError)) throw error;
		log.warn({ actId, err: error }, 'an act on an invoice is left to its job');
	}
	return db.invoiceAct.findUniqueOrThrow({ where: { id: actId } });
}

/** Writes what came of it, once, and tells who asked if it is no good news. */
async function settle(
	act: InvoiceAct & { invoice: { number: string | null } },
	outcome: Outcome,
	here: boolean
): Promise<void> {
	await transaction(async (tx) => {
		await tx.$queryRaw`SELECT id FROM invoice_acts WHERE id = ${act.id}::uuid FOR UPDATE`;
		const before = await tx.invoiceAct.findUniqueOrThrow({ where: { id: act.id } });
		// Somebody asked once more while we looked: that one decides.
		if (!MOVES.has(before.status) || before.tries !== act.tries) return;
		const isOver = outcome.status !== 'pending';
		await tx.invoiceAct.update({
			where: { id: act.id },
			data: {
				status: outcome.status,
				error: outcome.error ?? null,
				declineCode: outcome.declineCode ?? null,
				stripeObjectId: outcome.stripeObjectId ?? before.stripeObjectId,
				settledAt: isOver ? (before.settledAt ?? now()) : null
			}
		});
		if (before.status === outcome.status) return;
		await audit(tx, {
			actor: SYSTEM,
			action: 'billing.act-status',
			subject: { type: 'invoice', id: act.invoiceId },
			customerId: act.customerId,
			before: { kind: act.kind, status: before.status },
			after: {
				kind: act.kind,
				status: outcome.status,
				...(outcome.error && { error: outcome.error }),
				...(outcome.declineCode && { declineCode: outcome.declineCode })
			}
		});
		await publish(tx, [`customer:${act.customerId}`, 'staff:billing'], act.invoiceId);
		if (outcome.status !== 'failed' || here || !act.byId || act.onSession) return;
		await notify(tx, {
			userId: act.byId,
			kind: 'invoice_act_failed',
			severity: 'error',
			data: { number: act.invoice.number, kind: act.kind },
			href: `/admin/billing/invoices/${act.invoiceId}`,
			dedupeKey: `invoice-act:${act.id}:${act.tries}:failed`
		});
	});
}

/** Keeps the last error where staff see it; the act itself is still to be done. */
async function note(act: InvoiceAct, error: unknown): Promise<void> {
	const message = error instanceof Error ? error.message : String(error);
	await transaction(async (tx) => {
		await tx.invoiceAct.updateMany({
			where: { id: act.id, status: { in: ['ordered', 'pending'] } },
			data: { error: actError('unavailable', message) }
		});
		await publish(tx, 'staff:billing', act.invoiceId);
	});
}
