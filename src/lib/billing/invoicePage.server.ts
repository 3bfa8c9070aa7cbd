import { z } from 'zod';
import type { Prisma } from '#prisma/generated/client.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { actsOf, leftOf } from './invoiceLeft.server.ts';
import { invoiceFacts } from './invoiceSearch.server.ts';
import { UNFINISHED } from './invoiceActTypes.ts';

const facts = {
	...invoiceFacts,
	billingReason: true,
	subtotal: true,
	tax: true,
	nextAttemptAt: true,
	periodStart: true,
	periodEnd: true,
	stripeInvoiceId: true,
	lines: {
		orderBy: { position: 'asc' },
		select: {
			id: true,
			description: true,
			quantity: true,
			amount: true,
			currency: true,
			proration: true,
			periodStart: true,
			periodEnd: true
		}
	},
	attempts: {
		orderBy: [{ at: 'desc' }, { id: 'desc' }],
		select: {
			id: true,
			status: true,
			amount: true,
			currency: true,
			declineCode: true,
			adviceCode: true,
			at: true
		}
	},
	refunds: {
		orderBy: { createdAt: 'desc' },
		select: {
			id: true,
			amount: true,
			currency: true,
			status: true,
			createdAt: true
		}
	},
	creditNotes: {
		orderBy: { createdAt: 'desc' },
		select: {
			id: true,
			number: true,
			amount: true,
			currency: true,
			status: true,
			createdAt: true
		}
	},
	disputes: {
		orderBy: { openedAt: 'desc' },
		select: {
			id: true,
			amount: true,
			currency: true,
			status: true,
			reason: true,
			openedAt: true,
			withdrawnAt: true,
			dueAt: true
		}
	}
} satisfies Prisma.InvoiceSelect;

const staffFacts = {
	...facts,
	attempts: { ...facts.attempts, select: { ...facts.attempts.select, message: true } },
	refunds: {
		...facts.refunds,
		select: { ...facts.refunds.select, stripeRefundId: true, failureReason: true }
	},
	creditNotes: {
		...facts.creditNotes,
		select: { ...facts.creditNotes.select, stripeCreditNoteId: true }
	},
	disputes: { ...facts.disputes, select: { ...facts.disputes.select, stripeDisputeId: true } },
	customer: {
		select: {
			id: true,
			companyName: true,
			email: true,
			taxId: true,
			taxIdType: true,
			taxExempt: true
		}
	},
	subscription: {
		select: {
			id: true,
			plan: { select: { name: true } },
			tenants: { select: { id: true, slug: true }, take: 1, orderBy: { createdAt: 'desc' } }
		}
	},
	acts: { orderBy: [{ createdAt: 'desc' }, { id: 'desc' }] }
} satisfies Prisma.InvoiceSelect;

export type PortalInvoice = Prisma.InvoiceGetPayload<{ select: typeof facts }>;
export type StaffInvoice = Prisma.InvoiceGetPayload<{ select: typeof staffFacts }>;

/** An invoice with all that hangs on it, for staff. @throws {AppError} NOT_FOUND */
export async function staffInvoice(tx: Tx, id: string) {
	const invoice = await one(id, (valid) =>
		tx.invoice.findUnique({ where: { id: valid }, select: staffFacts })
	);
	const unfinished = invoice.acts.filter(({ status }) => UNFINISHED.includes(status));
	const busy = new Set(unfinished.map(({ kind }) => kind));
	return {
		invoice,
		left: leftOf(invoice, unfinished),
		/** What may be asked for now: the state allows it, and nothing of its kind is under way. */
		acts: actsOf(invoice).filter((kind) => !busy.has(kind)),
		readAt: await readAt(tx, invoice.stripeInvoiceId)
	};
}

/** An invoice of the company, inside its scope. @throws {AppError} NOT_FOUND */
export async function portalInvoice(
	tx: Tx,
	customerId: string,
	id: string
): Promise<PortalInvoice> {
	return one(id, (valid) =>
		tx.invoice.findFirst({ where: { id: valid, customerId }, select: facts })
	);
}

/** When Stripe was last asked about it; null for one that Stripe does not know. */
export async function readAt(tx: Tx, stripeInvoiceId: string | null): Promise<Date | null> {
	if (!stripeInvoiceId) return null;
	const mirror = await tx.stripeMirror.findUnique({
		where: { stripeId: stripeInvoiceId },
		select: { readAt: true }
	});
	return mirror?.readAt ?? null;
}

async function one<Row>(id: string, find: (id: string) => Promise<Row | null>): Promise<Row> {
	const row = z.uuid().safeParse(id).success ? await find(id) : null;
	if (!row) throw new AppError('NOT_FOUND');
	return row;
}

const approvalFacts = {
	invoice: {
		select: { id: true, number: true, total: true, customer: { select: { companyName: true } } }
	}
} satisfies Prisma.InvoiceActInclude;

export type Approval = Prisma.InvoiceActGetPayload<{ include: typeof approvalFacts }>;

const SHOWN = 100;

/** What waits for a second person, oldest first, and what was lately decided. */
export async function approvals(tx: Tx): Promise<{ waiting: Approval[]; decided: Approval[] }> {
	return {
		waiting: await tx.invoiceAct.findMany({
			where: { status: 'waiting_approval' },
			orderBy: { createdAt: 'asc' },
			take: SHOWN,
			include: approvalFacts
		}),
		decided: await tx.invoiceAct.findMany({
			where: { OR: [{ approvedById: { not: null } }, { status: 'rejected' }] },
			orderBy: { createdAt: 'desc' },
			take: 20,
			include: approvalFacts
		})
	};
}
