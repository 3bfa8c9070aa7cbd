import type Stripe from 'stripe';
import { AppError } from '#lib/core/errors.ts';
import { publish } from '#lib/core/live.server.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { VendorError } from '#lib/integrations/errors.ts';
import { audit, SYSTEM } from '#lib/logs/audit.server.ts';
import { stripeClient } from '#lib/settings/clients.server.ts';
import type { Invoice } from '#prisma/generated/client.ts';
import { paymentsOf, sumOf, writeAttempts, type Payment } from './attempts.server.ts';
import { lookAtActs } from './invoiceActWatch.server.ts';
import { mirrored } from './mirror.server.ts';
import { ownerOfInvoice, subscriptionOf, type Owner } from './owners.server.ts';
import { moment } from './subscriptionWrite.server.ts';

/** What became of a mirrored invoice: our row, and the subscription at Stripe that it belongs to. */
export interface MirroredInvoice {
	row: Invoice;
	stripeSubscriptionId: string | null;
}

/** Reads an invoice with its payments from Stripe and writes our mirror. @returns null when it is nobody's we know */
export async function mirrorInvoice(stripeInvoiceId: string): Promise<MirroredInvoice | null> {
	const client = await stripeClient();
	return mirrored(
		stripeInvoiceId,
		async () => {
			const invoice = await client.invoices.retrieve(stripeInvoiceId);
			const owner = await ownerOfInvoice(invoice);
			if (!owner) return null;
			const lines = await client.invoices.linesOf(invoice);
			return { invoice, owner, lines, payments: await paymentsOf(client, stripeInvoiceId) };
		},
		async (tx, found) => {
			if (!found) return null;
			const { invoice, owner, lines, payments } = found;
			const before = await tx.invoice.findUnique({
				where: { stripeInvoiceId },
				select: { status: true }
			});
			const row = await writeInvoice(tx, owner, invoice, payments);
			if (before && before.status !== row.status) await afterStatus(tx, before.status, row);
			await writeLines(tx, row, lines);
			await writeAttempts(tx, row, payments);
			if (owner.subscriptionId) await writePaidThrough(tx, owner.subscriptionId);
			await publish(tx, [`customer:${owner.customerId}`, 'staff:billing'], row.id);
			return { row, stripeSubscriptionId: subscriptionOf(invoice) };
		}
	);
}

async function afterStatus(tx: Tx, before: string, row: Invoice): Promise<void> {
	await audit(tx, {
		actor: SYSTEM,
		action: 'billing.invoice-status',
		subject: { type: 'invoice', id: row.id },
		customerId: row.customerId,
		before: { status: before },
		after: { status: row.status }
	});
	// A payment that was on its way has arrived, or has not.
	await lookAtActs(tx, row.id, ['pending']);
}

function writeInvoice(
	tx: Tx,
	owner: Owner,
	invoice: Stripe.Invoice,
	payments: Payment[]
): Promise<Invoice> {
	const issuedAt = moment(invoice.status_transitions.finalized_at);
	const chargedBackAmount = sumOf(
		payments.flatMap(({ disputes }) => disputes).filter(({ status }) => status === 'lost'),
		'amount'
	);
	const refunded = sumOf(
		payments.flatMap(({ charges }) => charges),
		'amount_refunded'
	);
	const columns = {
		...owner,
		number: invoice.number,
		status: invoice.status ?? 'draft',
		billingReason: invoice.billing_reason,
		currency: invoice.currency,
		subtotal: invoice.subtotal,
		tax: (invoice.total_taxes ?? []).reduce((sum, { amount }) => sum + amount, 0),
		total: invoice.total,
		amountPaid: invoice.amount_paid,
		amountRemaining: invoice.amount_remaining,
		attemptCount: invoice.attempt_count,
		nextAttemptAt: moment(invoice.next_payment_attempt),
		// Stripe does not say it: it is paid, and no payment is.
		paidOutOfBand:
			invoice.status === 'paid' &&
			invoice.amount_paid > 0 &&
			!payments.some(({ payment }) => payment.status === 'paid'),
		creditedAmount:
			invoice.pre_payment_credit_notes_amount + invoice.post_payment_credit_notes_amount,
		refundedAmount: refunded + chargedBackAmount,
		chargedBackAmount,
		periodStart: moment(invoice.period_start),
		periodEnd: moment(invoice.period_end),
		issuedAt,
		dueAt: moment(invoice.due_date),
		paidAt: moment(invoice.status_transitions.paid_at),
		createdAt: issuedAt ?? moment(invoice.created) ?? undefined
	};
	return tx.invoice.upsert({
		where: { stripeInvoiceId: invoice.id },
		create: { stripeInvoiceId: invoice.id, ...columns },
		update: columns
	});
}

async function writeLines(tx: Tx, row: Invoice, lines: Stripe.InvoiceLineItem[]): Promise<void> {
	// Lines of a draft may go again.
	await tx.invoiceLine.deleteMany({
		where: { invoiceId: row.id, stripeLineId: { notIn: lines.map(({ id }) => id) } }
	});
	for (const [position, line] of lines.entries()) {
		const columns = {
			position,
			description: line.description ?? '',
			quantity: line.quantity,
			amount: line.amount,
			currency: line.currency,
			proration: line.parent?.subscription_item_details?.proration ?? false,
			periodStart: moment(line.period.start),
			periodEnd: moment(line.period.end)
		};
		await tx.invoiceLine.upsert({
			where: { invoiceId_stripeLineId: { invoiceId: row.id, stripeLineId: line.id } },
			create: { customerId: row.customerId, invoiceId: row.id, stripeLineId: line.id, ...columns },
			update: columns
		});
	}
}

/** Until when the customer has paid: the last day that a paid invoice covers. What it credits covers nothing. */
async function writePaidThrough(tx: Tx, subscriptionId: string): Promise<void> {
	const { _max } = await tx.invoiceLine.aggregate({
		where: { amount: { gte: 0 }, invoice: { subscriptionId, status: 'paid' } },
		_max: { periodEnd: true }
	});
	await tx.subscription.update({
		where: { id: subscriptionId },
		data: { paidThrough: _max.periodEnd }
	});
}

/**
 * A link to an invoice's document, as Stripe gives it now.
 * @throws {AppError} NOT_FOUND while Stripe has none, PAYMENT_UNAVAILABLE
 */
export async function invoicePdf(stripeInvoiceId: string): Promise<string> {
	const client = await stripeClient();
	let invoice: Stripe.Invoice;
	try {
		invoice = await client.invoices.retrieve(stripeInvoiceId);
	} catch (error) {
		if (!(error instanceof VendorError)) throw error;
		throw new AppError('PAYMENT_UNAVAILABLE', { cause: error, detail: error.message });
	}
	if (!invoice.invoice_pdf) throw new AppError('NOT_FOUND');
	return invoice.invoice_pdf;
}
