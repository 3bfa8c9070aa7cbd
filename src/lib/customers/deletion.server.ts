import type { Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { accessChanged } from '#lib/identity/sessions.server.ts';
import { revokeInvitationsOf } from '#lib/identity/invitations.server.ts';
import type { Actor } from '#lib/logs/audit.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import { transition } from './customers.server.ts';
import { findCustomer } from './customerView.server.ts';

export type LivingKind = 'tenant' | 'subscription' | 'invoice' | 'refund' | 'change';

/** Something of a customer that is not over. */
export interface Living {
	kind: LivingKind;
	id: string;
	/** As people call it: a subdomain, an invoice number, a plan. */
	name: string;
}

/** Of each kind at most so many are named. */
const NAMED = 20;

/** What of a customer lives: as long as there is any, it can be neither deleted nor erased. */
export async function livingOf(tx: Tx, customerId: string): Promise<Living[]> {
	const page = { orderBy: { createdAt: 'desc' as const }, take: NAMED };
	const tenants = await tx.tenant.findMany({
		where: { customerId, status: { notIn: ['deleted', 'refunded'] } },
		select: { id: true, slug: true },
		...page
	});
	const subscriptions = await tx.subscription.findMany({
		where: { customerId, status: { not: 'cancelled' } },
		select: { id: true, plan: { select: { name: true } } },
		...page
	});
	const invoices = await tx.invoice.findMany({
		where: { customerId, status: { in: ['draft', 'open'] } },
		select: { id: true, number: true },
		...page
	});
	const refunds = await tx.refundOrder.findMany({
		where: { customerId, status: { notIn: ['succeeded', 'nothing', 'charged_back'] } },
		select: { id: true, reason: true },
		...page
	});
	const acts = await tx.invoiceAct.findMany({
		where: { customerId, status: { in: ['waiting_approval', 'ordered', 'pending'] } },
		select: { invoiceId: true, invoice: { select: { number: true } } },
		...page
	});
	return [
		...tenants.map(({ id, slug }) => ({ kind: 'tenant' as const, id, name: slug })),
		...subscriptions.map(({ id, plan }) => ({
			kind: 'subscription' as const,
			id,
			name: plan.name
		})),
		...invoices.map(({ id, number }) => ({
			kind: 'invoice' as const,
			id,
			name: number ?? id.slice(-8)
		})),
		...refunds.map(({ id, reason }) => ({ kind: 'refund' as const, id, name: reason })),
		...acts.map(({ invoiceId, invoice }) => ({
			kind: 'change' as const,
			id: invoiceId,
			name: invoice.number ?? invoiceId.slice(-8)
		}))
	];
}

/** @throws {AppError} STILL_ALIVE, with what lives in words */
export async function refuseLiving(tx: Tx, customerId: string): Promise<void> {
	const living = await livingOf(tx, customerId);
	if (living.length === 0) return;
	const kinds = [...new Set(living.map(({ kind }) => kind))];
	const what = kinds.map((kind) =>
		livingWords(
			kind,
			living.filter((one) => one.kind === kind)
		)
	);
	throw new AppError('STILL_ALIVE', { params: { what: what.join('; ') } });
}

function livingWords(kind: LivingKind, living: Living[]): string {
	const names = { names: living.map(({ name }) => name).join(', ') };
	switch (kind) {
		case 'tenant':
			return m.customer_living_tenant(names);
		case 'subscription':
			return m.customer_living_subscription(names);
		case 'invoice':
			return m.customer_living_invoice(names);
		case 'refund':
			return m.customer_living_refund(names);
		case 'change':
			return m.customer_living_change(names);
	}
}

/**
 * Deletes a customer of whom nothing lives: nobody logs in for it any more, its history stays.
 * @throws {AppError} NOT_FOUND; STILL_ALIVE with what lives
 */
export async function deleteCustomer(tx: Tx, customerId: string, by: Actor): Promise<void> {
	await tx.$queryRaw`SELECT id FROM customers WHERE id = ${customerId}::uuid FOR UPDATE`;
	const customer = await findCustomer(tx, customerId);
	if (customer.status === 'deleted') return;
	await refuseLiving(tx, customerId);
	// Its subscriptions have ended: `active` is what nobody has looked at since.
	if (customer.status === 'active') await transition(tx, customerId, 'inactive', by);
	await transition(tx, customerId, 'deleted', by);
	await tx.customer.update({
		where: { id: customerId },
		data: { deletedAt: new Date(), planKey: null, version: { increment: 1 } }
	});
	await revokeInvitationsOf(tx, customerId);
	const members = await tx.membership.findMany({ where: { customerId }, select: { userId: true } });
	for (const { userId } of members) await accessChanged(tx, userId);
}
