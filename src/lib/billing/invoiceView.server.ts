import { z } from 'zod';
import type { InvoiceAct, Prisma } from '#prisma/generated/client.ts';
import { declineReason } from './declines.ts';
import type { StaffInvoice } from './invoicePage.server.ts';
import type { invoiceFacts, InvoicesRow } from './invoiceSearch.server.ts';
import { invoiceActError } from './invoiceWords.ts';

/** An invoice as the API gives it; amounts in minor units, times ISO 8601. */
export const invoiceSchema = z.object({
	id: z.uuid(),
	number: z.string().nullable(),
	status: z.string(),
	currency: z.string(),
	total: z.number().int(),
	amount_paid: z.number().int(),
	amount_remaining: z.number().int(),
	credited: z.number().int(),
	/** Of what was paid: refunds, and what banks took back. */
	refunded: z.number().int(),
	/** The part of `refunded` that banks took back in disputes that we lost. */
	charged_back: z.number().int(),
	attempts: z.number().int(),
	paid_out_of_band: z.boolean(),
	plan: z.string().nullable(),
	customer: z.object({ id: z.uuid(), company_name: z.string(), email: z.string() }),
	subscription_id: z.uuid().nullable(),
	issued_at: z.iso.datetime().nullable(),
	due_at: z.iso.datetime().nullable(),
	paid_at: z.iso.datetime().nullable(),
	created_at: z.iso.datetime()
});

export const actSchema = z.object({
	id: z.uuid(),
	kind: z.string(),
	status: z.string(),
	amount: z.number().int().nullable(),
	currency: z.string(),
	/** Why it did not do what was asked, in the language of the request. */
	error: z.string().nullable(),
	decline_code: z.string().nullable(),
	created_at: z.iso.datetime(),
	settled_at: z.iso.datetime().nullable()
});

export const invoiceDetailSchema = invoiceSchema.omit({ attempts: true, plan: true }).extend({
	subtotal: z.number().int(),
	tax: z.number().int(),
	plan_name: z.string().nullable(),
	next_attempt_at: z.iso.datetime().nullable(),
	/** When Stripe was last asked about it. */
	read_at: z.iso.datetime().nullable(),
	lines: z.array(
		z.object({
			description: z.string(),
			quantity: z.number().int().nullable(),
			amount: z.number().int(),
			proration: z.boolean(),
			period_start: z.iso.datetime().nullable(),
			period_end: z.iso.datetime().nullable()
		})
	),
	attempts: z.array(
		z.object({
			status: z.string(),
			amount: z.number().int(),
			decline_code: z.string().nullable(),
			advice_code: z.string().nullable(),
			reason: z.string().nullable(),
			at: z.iso.datetime()
		})
	),
	refunds: z.array(
		z.object({
			id: z.uuid(),
			amount: z.number().int(),
			status: z.string(),
			created_at: z.iso.datetime()
		})
	),
	credit_notes: z.array(
		z.object({
			id: z.uuid(),
			number: z.string().nullable(),
			amount: z.number().int(),
			status: z.string(),
			created_at: z.iso.datetime()
		})
	),
	disputes: z.array(
		z.object({
			id: z.uuid(),
			amount: z.number().int(),
			/** Stripe's words. */
			status: z.string(),
			reason: z.string(),
			opened_at: z.iso.datetime(),
			/** When the money left our balance; null: it has not. */
			withdrawn_at: z.iso.datetime().nullable(),
			/** Until when Stripe takes evidence. */
			due_at: z.iso.datetime().nullable()
		})
	),
	acts: z.array(actSchema)
});

type Common = Prisma.InvoiceGetPayload<{ select: typeof invoiceFacts }> & {
	customer: { id: string; companyName: string; email: string };
	subscription: { id: string } | null;
};

function iso(at: Date | null): string | null {
	return at?.toISOString() ?? null;
}

function common(row: Common) {
	return {
		id: row.id,
		number: row.number,
		status: row.status,
		currency: row.currency,
		total: row.total,
		amount_paid: row.amountPaid,
		amount_remaining: row.amountRemaining,
		credited: row.creditedAmount,
		refunded: row.refundedAmount,
		charged_back: row.chargedBackAmount,
		paid_out_of_band: row.paidOutOfBand,
		customer: {
			id: row.customer.id,
			company_name: row.customer.companyName,
			email: row.customer.email
		},
		subscription_id: row.subscription?.id ?? null,
		issued_at: iso(row.issuedAt),
		due_at: iso(row.dueAt),
		paid_at: iso(row.paidAt),
		created_at: row.createdAt.toISOString()
	};
}

export function invoiceView(row: InvoicesRow): z.input<typeof invoiceSchema> {
	const { customerId, companyName, email, subscriptionId } = row;
	const customer = { id: customerId, companyName, email };
	const subscription = subscriptionId ? { id: subscriptionId } : null;
	return {
		...common({ ...row, customer, subscription }),
		attempts: row.attemptCount,
		plan: row.planKey
	};
}

export function actView(act: InvoiceAct): z.input<typeof actSchema> {
	return {
		id: act.id,
		kind: act.kind,
		status: act.status,
		amount: act.amount,
		currency: act.currency,
		error: invoiceActError(act)?.sentence ?? null,
		decline_code: act.declineCode,
		created_at: act.createdAt.toISOString(),
		settled_at: iso(act.settledAt)
	};
}

export function invoiceDetail(
	invoice: StaffInvoice,
	readAt: Date | null
): z.input<typeof invoiceDetailSchema> {
	return {
		...common(invoice),
		subtotal: invoice.subtotal,
		tax: invoice.tax,
		plan_name: invoice.subscription?.plan.name ?? null,
		next_attempt_at: iso(invoice.nextAttemptAt),
		read_at: iso(readAt),
		lines: invoice.lines.map((line) => ({
			description: line.description,
			quantity: line.quantity,
			amount: line.amount,
			proration: line.proration,
			period_start: iso(line.periodStart),
			period_end: iso(line.periodEnd)
		})),
		attempts: invoice.attempts.map((attempt) => ({
			status: attempt.status,
			amount: attempt.amount,
			decline_code: attempt.declineCode,
			advice_code: attempt.adviceCode,
			reason: attempt.declineCode ? declineReason(attempt.declineCode, 'staff') : null,
			at: attempt.at.toISOString()
		})),
		refunds: invoice.refunds.map(({ id, amount, status, createdAt }) => ({
			id,
			amount,
			status,
			created_at: createdAt.toISOString()
		})),
		credit_notes: invoice.creditNotes.map(({ id, number, amount, status, createdAt }) => ({
			id,
			number,
			amount,
			status,
			created_at: createdAt.toISOString()
		})),
		disputes: invoice.disputes.map((dispute) => ({
			...{ id: dispute.id, amount: dispute.amount, status: dispute.status },
			reason: dispute.reason,
			opened_at: dispute.openedAt.toISOString(),
			...{ withdrawn_at: iso(dispute.withdrawnAt), due_at: iso(dispute.dueAt) }
		})),
		acts: invoice.acts.map(actView)
	};
}
