import { now } from '#lib/core/clock.server.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { publish } from '#lib/core/live.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import { audit, SYSTEM, type Actor } from '#lib/logs/audit.server.ts';
import type { DunningCase, Subscription } from '#prisma/generated/client.ts';
import { dunningRules, UNPAID_ATTEMPTS, writeNext } from './dunningFacts.server.ts';
import { tellRestored } from './dunningMails.server.ts';

export type CaseOutcome = 'paid' | 'voided' | 'cancelled' | 'ended' | 'stopped';

/** What of a subscription a case follows. */
type Late = Pick<
	Subscription,
	| 'id'
	| 'customerId'
	| 'status'
	| 'stripeStatus'
	| 'stripeSubscriptionId'
	| 'pastDueSince'
	| 'disputedAt'
>;

/**
 * Opens, refreshes or closes the case of a subscription, by what its mirror says now. Runs after every writing of it and
 * any number of times.
 */
export async function followCase(tx: Tx, row: Late): Promise<void> {
	const open = await tx.dunningCase.findFirst({
		where: { subscriptionId: row.id, closedAt: null }
	});
	const late = row.stripeStatus === 'past_due' || row.stripeStatus === 'unpaid';
	if (!late || row.status === 'cancelled') {
		if (open) await closeCase(tx, open, await outcomeOf(tx, row, open), { by: SYSTEM });
		return;
	}
	const caseId = open?.id ?? (await openCase(tx, row));
	if (caseId) await refreshCase(tx, caseId, row);
}

/** @returns null when staff have stopped the case of this very lateness */
async function openCase(tx: Tx, row: Late): Promise<string | null> {
	const stopped = await tx.dunningCase.findFirst({
		where: {
			subscriptionId: row.id,
			outcome: 'stopped',
			...(row.pastDueSince && { closedAt: { gte: row.pastDueSince } })
		},
		select: { id: true }
	});
	if (stopped) return null;
	const policy = await tx.dunningPolicy.findFirst({
		where: { isDefault: true, replacedAt: null },
		select: { id: true }
	});
	// Without a policy nothing is to happen.
	if (!policy) return null;
	// Another process may have opened it: the partial unique index lets one of the two.
	const [made] = await tx.dunningCase.createManyAndReturn({
		data: [
			{
				customerId: row.customerId,
				subscriptionId: row.id,
				policyId: policy.id,
				startedAt: await firstFailure(tx, row)
			}
		],
		skipDuplicates: true
	});
	if (!made) return null;
	await audit(tx, {
		actor: SYSTEM,
		action: 'billing.dunning-open',
		subject: { type: 'dunning-case', id: made.id },
		customerId: row.customerId,
		after: { subscription: row.id, startedAt: made.startedAt.toISOString() }
	});
	await enqueue(tx, 'billing.dunning-case', { caseId: made.id }, { key: made.id });
	return made.id;
}

/** When the first payment failed that is not paid yet. */
async function firstFailure(tx: Tx, row: Late): Promise<Date> {
	const at = row.pastDueSince ?? now();
	const attempt = await tx.paymentAttempt.findFirst({
		where: {
			status: { in: [...UNPAID_ATTEMPTS] },
			invoice: { subscriptionId: row.id, customerId: row.customerId, status: 'open' }
		},
		orderBy: { at: 'asc' },
		select: { at: true }
	});
	return attempt && attempt.at < at ? attempt.at : at;
}

/** What is owed, whether it may be asked for at all, and what comes next. */
async function refreshCase(tx: Tx, caseId: string, row: Late): Promise<void> {
	const { _sum } = await tx.invoice.aggregate({
		where: { subscriptionId: row.id, customerId: row.customerId, status: 'open' },
		_sum: { amountRemaining: true }
	});
	const invoice = await tx.invoice.findFirst({
		where: { subscriptionId: row.id, customerId: row.customerId, status: 'open' },
		select: { currency: true }
	});
	const refund = row.stripeSubscriptionId
		? await tx.refundOrder.findUnique({
				where: { stripeSubscriptionId: row.stripeSubscriptionId },
				select: { id: true }
			})
		: null;
	const owed = _sum.amountRemaining ?? 0;
	await tx.dunningCase.update({
		where: { id: caseId },
		data: {
			owed,
			...(invoice && { currency: invoice.currency }),
			held: row.disputedAt ? 'disputed' : refund ? 'refunded' : owed === 0 ? 'nothing_open' : null
		}
	});
	await writeNext(tx, caseId, await dunningRules());
	await publish(tx, [`customer:${row.customerId}`, 'staff:billing'], caseId);
}

/** Whether the case of a subscription has come to where its instances take no writes. */
export async function isReadOnlyForUnpaid(tx: Tx, subscriptionId: string): Promise<boolean> {
	const done = await tx.dunningAct.findFirst({
		where: { act: 'read_only', outcome: 'done', case: { subscriptionId, closedAt: null } },
		select: { id: true }
	});
	return done !== null;
}

async function outcomeOf(tx: Tx, row: Late, open: DunningCase): Promise<CaseOutcome> {
	if (row.status === 'cancelled') {
		const ended = await tx.dunningAct.findFirst({
			where: { caseId: open.id, act: 'delete', outcome: 'done' },
			select: { id: true }
		});
		return ended ? 'ended' : 'cancelled';
	}
	const [newest] = await tx.invoice.findMany({
		where: { subscriptionId: row.id, customerId: row.customerId, status: { in: ['paid', 'void'] } },
		orderBy: { updatedAt: 'desc' },
		take: 1,
		select: { status: true }
	});
	return newest?.status === 'void' ? 'voided' : 'paid';
}

/**
 * Ends a case. What it took away from the instances comes back: the subscription by its mirror, read-only here.
 * @param act.reason of staff, kept in the audit log
 */
export async function closeCase(
	tx: Tx,
	open: Pick<DunningCase, 'id' | 'customerId' | 'subscriptionId'>,
	outcome: CaseOutcome,
	act: { by: Actor; reason?: string }
): Promise<void> {
	const { count } = await tx.dunningCase.updateMany({
		where: { id: open.id, customerId: open.customerId, closedAt: null },
		data: { closedAt: now(), outcome, nextAct: null, nextAt: null }
	});
	if (count === 0) return;
	await audit(tx, {
		actor: act.by,
		action: 'billing.dunning-close',
		subject: { type: 'dunning-case', id: open.id },
		customerId: open.customerId,
		after: { outcome, ...(act.reason && { reason: act.reason }) }
	});
	const cut = await tx.dunningAct.findFirst({
		where: { caseId: open.id, act: { in: ['read_only', 'suspend'] }, outcome: 'done' },
		select: { id: true }
	});
	if (cut) {
		// Also told to those above when the status stays: an instance may be read-only while its subscription is in force.
		await enqueue(tx, 'provisioning.subscription-changed', { subscriptionId: open.subscriptionId });
		if (outcome === 'paid') await tellRestored(tx, open);
	}
	await publish(tx, [`customer:${open.customerId}`, 'staff:billing'], open.id);
}
