import type Stripe from 'stripe';
import type { Tx } from '#lib/core/db.server.ts';
import { publish } from '#lib/core/live.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import type { StripeClient } from '#lib/integrations/stripe/stripe.server.ts';
import { stripeClient } from '#lib/settings/clients.server.ts';
import type { Invoice, RefundOrder } from '#prisma/generated/client.ts';
import { idOf } from './checkout.server.ts';
import { lookAtActs } from './invoiceActWatch.server.ts';
import { mirrorInvoice, type MirroredInvoice } from './invoices.server.ts';
import { mirrored } from './mirror.server.ts';
import { afterChange, moment } from './subscriptionWrite.server.ts';

type Outcome = 'applied' | 'unknown_object';

/** Reads a refund from Stripe and writes our mirror; its order, if there is one, looks at it again. */
export async function mirrorRefund(stripeRefundId: string): Promise<Outcome> {
	const client = await stripeClient();
	return mirrored(
		stripeRefundId,
		async () => {
			const refund = await client.refunds.retrieve(stripeRefundId);
			return { refund, invoice: await invoiceOfIntent(client, idOf(refund.payment_intent)) };
		},
		async (tx, { refund, invoice }) => {
			if (!invoice) return 'unknown_object';
			const order = await orderOf(tx, invoice);
			const changed = await writeRefund(tx, refund, invoice.row, order);
			if (changed) {
				await lookAgain(tx, order);
				await lookAtActs(tx, invoice.row.id, ['pending', 'done']);
			}
			return 'applied';
		}
	);
}

/** Reads a credit note from Stripe and writes our mirror. */
export async function mirrorCreditNote(stripeCreditNoteId: string): Promise<Outcome> {
	const client = await stripeClient();
	return mirrored(
		stripeCreditNoteId,
		async () => {
			const note = await client.creditNotes.retrieve(stripeCreditNoteId);
			const invoiceId = idOf(note.invoice);
			return { note, invoice: invoiceId ? await mirrorInvoice(invoiceId) : null };
		},
		async (tx, { note, invoice }) => {
			if (!invoice) return 'unknown_object';
			const columns = {
				customerId: invoice.row.customerId,
				invoiceId: invoice.row.id,
				number: note.number,
				status: note.status,
				amount: note.amount,
				currency: note.currency,
				memo: note.memo,
				createdAt: moment(note.created) ?? undefined
			};
			await tx.creditNote.upsert({
				where: { stripeCreditNoteId: note.id },
				create: { stripeCreditNoteId: note.id, ...columns },
				update: columns
			});
			return 'applied';
		}
	);
}

/** Reads a dispute from Stripe; what it concerns is not owed until the bank has decided for us. */
export async function mirrorDispute(stripeDisputeId: string): Promise<Outcome> {
	const client = await stripeClient();
	return mirrored(
		stripeDisputeId,
		async () => {
			const dispute = await client.disputes.retrieve(stripeDisputeId);
			return { dispute, invoice: await invoiceOfIntent(client, idOf(dispute.payment_intent)) };
		},
		async (tx, { dispute, invoice }) => {
			if (!invoice) return 'unknown_object';
			const changed = await writeDispute(tx, dispute, invoice.row);
			await writeDisputedAt(tx, invoice.row.subscriptionId);
			if (changed) await lookAgain(tx, await orderOf(tx, invoice));
			return 'applied';
		}
	);
}

/** The mirrored invoice that a payment was for. */
async function invoiceOfIntent(
	client: StripeClient,
	intent: string | null
): Promise<MirroredInvoice | null> {
	if (!intent) return null;
	const [payment] = await client.invoicePayments.ofIntent(intent);
	const invoiceId = payment ? idOf(payment.invoice) : null;
	return invoiceId ? mirrorInvoice(invoiceId) : null;
}

export async function orderOf(tx: Tx, invoice: MirroredInvoice): Promise<RefundOrder | null> {
	const { stripeSubscriptionId } = invoice;
	return stripeSubscriptionId
		? tx.refundOrder.findUnique({ where: { stripeSubscriptionId } })
		: null;
}

/** @returns whether its status is another one, or it is new to us */
async function writeRefund(
	tx: Tx,
	refund: Stripe.Refund,
	invoice: Invoice,
	order: RefundOrder | null
): Promise<boolean> {
	const before = await tx.refund.findUnique({
		where: { stripeRefundId: refund.id },
		select: { status: true }
	});
	const columns = {
		customerId: invoice.customerId,
		invoiceId: invoice.id,
		signupId: order?.purpose === 'signup' ? order.signupId : null,
		refundOrderId: order?.id ?? null,
		amount: refund.amount,
		currency: refund.currency,
		status: refund.status ?? 'pending',
		failureReason: refund.failure_reason ?? null,
		reason: order?.reason ?? refund.reason
	};
	const row = await tx.refund.upsert({
		where: { stripeRefundId: refund.id },
		create: { stripeRefundId: refund.id, ...columns },
		update: columns
	});
	await publish(tx, [`customer:${row.customerId}`, 'staff:billing'], row.id);
	return before?.status !== row.status;
}

/** @returns whether its status is another one, or it is new to us */
async function writeDispute(tx: Tx, dispute: Stripe.Dispute, invoice: Invoice): Promise<boolean> {
	const before = await tx.dispute.findUnique({
		where: { stripeDisputeId: dispute.id },
		select: { status: true }
	});
	const columns = {
		customerId: invoice.customerId,
		subscriptionId: invoice.subscriptionId,
		invoiceId: invoice.id,
		status: dispute.status,
		reason: dispute.reason,
		amount: dispute.amount,
		currency: dispute.currency,
		openedAt: moment(dispute.created) ?? new Date(0),
		withdrawnAt: withdrawnAt(dispute),
		dueAt: moment(dispute.evidence_details.due_by)
	};
	await tx.dispute.upsert({
		where: { stripeDisputeId: dispute.id },
		create: { stripeDisputeId: dispute.id, ...columns },
		update: columns
	});
	await publish(tx, [`customer:${invoice.customerId}`, 'staff:billing'], invoice.id);
	return before?.status !== dispute.status;
}

/** When Stripe took the money off our balance: not yet while the bank only asks, and at the beginning of most disputes. */
function withdrawnAt(dispute: Stripe.Dispute): Date | null {
	const taken = dispute.balance_transactions.find(({ amount }) => amount < 0);
	if (taken) return moment(taken.created);
	return dispute.status === 'lost' ? moment(dispute.created) : null;
}

/** Decided for us, or never became one. Every other status, lost included, keeps the subscription from being owed. */
const HARMLESS = ['won', 'warning_closed', 'prevented'];

async function writeDisputedAt(tx: Tx, subscriptionId: string | null): Promise<void> {
	if (!subscriptionId) return;
	await tx.$queryRaw`SELECT id FROM subscriptions WHERE id = ${subscriptionId}::uuid FOR UPDATE`;
	const before = await tx.subscription.findUniqueOrThrow({ where: { id: subscriptionId } });
	const { _min } = await tx.dispute.aggregate({
		where: { subscriptionId, status: { notIn: HARMLESS } },
		_min: { openedAt: true }
	});
	if (before.disputedAt?.getTime() === _min.openedAt?.getTime()) return;
	const row = await tx.subscription.update({
		where: { id: subscriptionId },
		data: { disputedAt: _min.openedAt }
	});
	await afterChange(tx, before, row, row.mrr);
}

/** The order decides itself what a change at Stripe means for it. */
export async function lookAgain(tx: Tx, order: RefundOrder | null): Promise<void> {
	if (order) await enqueue(tx, 'billing.refund-signup', { orderId: order.id }, { key: order.id });
}
