import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { now } from '#lib/core/clock.server.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { publish } from '#lib/core/live.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import { audit, type Actor } from '#lib/logs/audit.server.ts';
import { notify } from '#lib/notifications/notifications.server.ts';
import { setting } from '#lib/settings/settings.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { Invoice, InvoiceAct, InvoiceActKind } from '#prisma/generated/client.ts';
import { needsSecondPerson } from './fourEyes.ts';
import { leftOf, refuseWrongState } from './invoiceLeft.server.ts';
import { actError, UNFINISHED } from './invoiceActTypes.ts';

/** The page that asks tries at once itself; this long after it the job does, should that process have died. */
const AFTER_THE_PAGE_SECONDS = 10;

export interface ActOrder {
	/** Chosen by the page that asks, so that sending the same form twice is asking once. */
	id?: string;
	invoiceId: string;
	/** Repeated where a customer asks; staff name none. */
	customerId?: string;
	kind: InvoiceActKind;
	/** Minor units; of a refund or credit note alone. */
	amount?: number;
	reason?: string | null;
	/** The person is there and may confirm the payment with the bank. */
	onSession?: boolean;
	by: Actor;
}

/**
 * Writes down that something is to be done with an invoice: the intent, before Stripe hears of it. `runInvoiceAct`
 * does it, or a second person is asked first.
 * @returns the act; the one of before when `id` was asked for already
 * @throws {AppError} NOT_FOUND; ALREADY_RUNNING while another of its kind is under way; INVOICE_NOT_OPEN,
 * INVOICE_NOT_PAID; BAD_INPUT beside `amount` when it is more than is left
 */
export async function orderInvoiceAct(tx: Tx, order: ActOrder): Promise<InvoiceAct> {
	const { kind, by } = order;
	const invoice = await lockInvoice(tx, order.invoiceId, order.customerId);
	if (order.id) {
		const asked = await tx.invoiceAct.findUnique({ where: { id: order.id } });
		if (asked && (asked.invoiceId !== invoice.id || asked.kind !== kind))
			throw new AppError('CHANGED_MEANWHILE');
		if (asked) return asked;
	}
	const acts = await tx.invoiceAct.findMany({
		where: {
			invoiceId: invoice.id,
			customerId: invoice.customerId,
			status: { in: [...UNFINISHED] }
		}
	});
	if (acts.some((one) => one.kind === kind)) throw new AppError('ALREADY_RUNNING');
	refuseWrongState(invoice, kind);
	const amount = amountOf(order, invoice, acts);
	const act = await tx.invoiceAct.create({
		data: {
			id: order.id ?? randomUUID(),
			customerId: invoice.customerId,
			invoiceId: invoice.id,
			kind,
			amount,
			currency: invoice.currency,
			reason: order.reason ?? null,
			onSession: order.onSession ?? false,
			status: (await isForTwo(kind, amount ?? 0, invoice.currency))
				? 'waiting_approval'
				: 'ordered',
			byId: by.id,
			byLabel: by.label
		}
	});
	await noted(tx, act, by, `billing.invoice-${kind.replace('_', '-')}`);
	if (act.status === 'waiting_approval')
		await notify(tx, {
			permission: 'billing:approve',
			kind: 'invoice_act_waits',
			severity: 'warning',
			data: { number: invoice.number, kind, amount, currency: act.currency, by: by.label },
			href: '/admin/billing/approvals',
			dedupeKey: `invoice-act:${act.id}`
		});
	else await queueAct(tx, act);
	return act;
}

/**
 * The second person says yes.
 * @throws {AppError} NOT_FOUND; CHANGED_MEANWHILE when somebody has decided; TWO_PEOPLE_NEEDED for one's own
 */
export async function approveInvoiceAct(tx: Tx, actId: string, by: Actor): Promise<InvoiceAct> {
	const act = await lockWaiting(tx, actId);
	// The table refuses it as well.
	if (act.byId === by.id) throw new AppError('TWO_PEOPLE_NEEDED');
	const approved = await tx.invoiceAct.update({
		where: { id: act.id },
		data: { status: 'ordered', approvedById: by.id, approvedBy: by.label }
	});
	await noted(tx, approved, by, 'billing.approve-act');
	await queueAct(tx, approved);
	return approved;
}

/** The second person says no, or the first takes it back. @throws {AppError} NOT_FOUND; CHANGED_MEANWHILE */
export async function rejectInvoiceAct(
	tx: Tx,
	actId: string,
	{ by, reason }: { by: Actor; reason: string }
): Promise<InvoiceAct> {
	const act = await lockWaiting(tx, actId);
	const own = act.byId === by.id;
	const rejected = await tx.invoiceAct.update({
		where: { id: act.id },
		data: {
			status: 'rejected',
			settledAt: now(),
			error: actError(own ? 'withdrawn' : 'rejected', reason),
			...(!own && { approvedById: by.id, approvedBy: by.label })
		}
	});
	await noted(tx, rejected, by, 'billing.reject-act');
	if (act.byId && !own)
		await notify(tx, {
			userId: act.byId,
			kind: 'invoice_act_rejected',
			severity: 'warning',
			data: { by: by.label, reason },
			href: `/admin/billing/invoices/${act.invoiceId}`,
			dedupeKey: `invoice-act:${act.id}:rejected`
		});
	return rejected;
}

/**
 * Asks once more for what failed. What Stripe made meanwhile is found first, so that nothing is done twice.
 * @throws {AppError} NOT_FOUND; CHANGED_MEANWHILE when it has not failed; ALREADY_RUNNING
 */
export async function retryInvoiceAct(tx: Tx, actId: string, by: Actor): Promise<InvoiceAct> {
	const found = await tx.invoiceAct.findUnique({ where: { id: actId } });
	if (!found) throw new AppError('NOT_FOUND');
	await lockInvoice(tx, found.invoiceId, found.customerId);
	const act = await tx.invoiceAct.findUniqueOrThrow({ where: { id: actId } });
	// Already on its way again: asking twice is asking once.
	if (act.status === 'ordered') return act;
	if (act.status !== 'failed') throw new AppError('CHANGED_MEANWHILE');
	const other = await tx.invoiceAct.findFirst({
		where: { invoiceId: act.invoiceId, kind: act.kind, status: { in: [...UNFINISHED] } }
	});
	if (other) throw new AppError('ALREADY_RUNNING');
	const again = await tx.invoiceAct.update({
		where: { id: act.id },
		data: {
			status: 'ordered',
			tries: { increment: 1 },
			error: null,
			declineCode: null,
			settledAt: null
		}
	});
	await noted(tx, again, by, 'billing.retry-act');
	await queueAct(tx, again);
	return again;
}

/** The job that does it, should the page that asked not have. */
export async function queueAct(tx: Tx, { id }: { id: string }): Promise<void> {
	await enqueue(
		tx,
		'billing.run-invoice-act',
		{ actId: id },
		{ key: id, startAfter: AFTER_THE_PAGE_SECONDS }
	);
}

async function lockInvoice(tx: Tx, id: string, customerId?: string): Promise<Invoice> {
	if (!z.uuid().safeParse(id).success) throw new AppError('NOT_FOUND');
	await tx.$queryRaw`SELECT id FROM invoices WHERE id = ${id}::uuid FOR UPDATE`;
	const invoice = await tx.invoice.findFirst({ where: { id, customerId } });
	if (!invoice) throw new AppError('NOT_FOUND');
	return invoice;
}

async function lockWaiting(tx: Tx, id: string): Promise<InvoiceAct> {
	if (!z.uuid().safeParse(id).success) throw new AppError('NOT_FOUND');
	await tx.$queryRaw`SELECT id FROM invoice_acts WHERE id = ${id}::uuid FOR UPDATE`;
	const act = await tx.invoiceAct.findUnique({ where: { id } });
	if (!act) throw new AppError('NOT_FOUND');
	if (act.status !== 'waiting_approval') throw new AppError('CHANGED_MEANWHILE');
	return act;
}

/** What it is about, minor units; null where it is always the whole invoice and nothing goes back. */
function amountOf(order: ActOrder, invoice: Invoice, acts: InvoiceAct[]): number | null {
	if (order.kind === 'mark_paid' || order.kind === 'retry') return invoice.amountRemaining;
	if (order.kind === 'void') return null;
	const left = leftOf(invoice, acts);
	const most = order.kind === 'refund' ? left.refundable : left.creditable;
	if (most <= 0) throw new AppError('INVOICE_NOTHING_LEFT');
	const amount = order.amount ?? most;
	if (!Number.isSafeInteger(amount) || amount <= 0 || amount > most)
		throw new AppError('BAD_INPUT', { fields: { amount: m.error_amount_out_of_range() } });
	return amount;
}

async function isForTwo(kind: InvoiceActKind, amount: number, currency: string): Promise<boolean> {
	if (kind === 'retry' || kind === 'void') return false;
	return needsSecondPerson(amount, currency, await setting('billing.four_eyes_above'));
}

async function noted(tx: Tx, act: InvoiceAct, by: Actor, action: string): Promise<void> {
	await audit(tx, {
		actor: by,
		action,
		subject: { type: 'invoice', id: act.invoiceId },
		customerId: act.customerId,
		after: {
			kind: act.kind,
			status: act.status,
			...(act.amount !== null && { amount: act.amount, currency: act.currency }),
			...(act.reason && { reason: act.reason })
		}
	});
	await publish(tx, [`customer:${act.customerId}`, 'staff:billing'], act.invoiceId);
}
