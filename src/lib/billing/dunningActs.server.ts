import { now } from '#lib/core/clock.server.ts';
import { db, transaction, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import { audit, SYSTEM, type Actor } from '#lib/logs/audit.server.ts';
import { StripeVendorError } from '#lib/integrations/stripe/errors.ts';
import { stripeClient } from '#lib/settings/clients.server.ts';
import { CASE_FACTS, timelineOfCase, writeNext, type CaseFacts } from './dunningFacts.server.ts';
import type { DunningRules } from './dunningFacts.server.ts';
import { tellStage } from './dunningMails.server.ts';
import type { TimelineEntry } from './dunningTimeline.ts';
import { mirrorInvoice } from './invoices.server.ts';
import { statusOf } from './subscriptionStates.ts';
import { afterChange } from './subscriptionWrite.server.ts';
import { cancelSubscription, mirrorSubscription } from './subscriptions.server.ts';

/** Whom and what a case does; `early`: staff do not wait for its date. */
export interface Doing {
	by: Actor;
	early?: boolean;
}

/**
 * Does what is due next in a case: exactly one act, together with the row that says so. What goes to Stripe is only
 * ordered here, and done by `finishRetries`.
 * @returns the act; null when nothing is due
 * @throws {AppError} NOT_OWED for an early act that may not come before its floor
 */
export async function doNext(
	tx: Tx,
	caseId: string,
	rules: DunningRules,
	doing: Doing
): Promise<TimelineEntry | null> {
	const row = await lockedCase(tx, caseId);
	if (!row || row.closedAt || row.held) return null;
	const timeline = await timelineOfCase(tx, row, rules);
	const entry = doing.early
		? earliest(timeline, row)
		: timeline.find(({ state }) => state === 'due');
	if (!entry) return null;
	await note(tx, row, entry);
	if (!entry.skip) await EFFECTS[entry.act](tx, row, entry, timeline, doing);
	if (!entry.skip || doing.early)
		await audit(tx, {
			actor: doing.by,
			action: `billing.dunning-${entry.act}`,
			subject: { type: 'dunning-case', id: row.id },
			customerId: row.customerId,
			after: {
				day: entry.day,
				...(entry.tone && { tone: entry.tone }),
				early: doing.early ?? false
			}
		});
	await writeNext(tx, row.id, rules);
	return entry;
}

/** The subscription first, as its mirror does, then its case: so that neither waits for the other. */
async function lockedCase(tx: Tx, caseId: string): Promise<CaseFacts | null> {
	const found = await tx.dunningCase.findUnique({
		where: { id: caseId },
		select: { subscriptionId: true }
	});
	if (!found) return null;
	await tx.$queryRaw`SELECT id FROM subscriptions WHERE id = ${found.subscriptionId}::uuid FOR UPDATE`;
	await tx.$queryRaw`SELECT id FROM dunning_cases WHERE id = ${caseId}::uuid FOR UPDATE`;
	return tx.dunningCase.findUnique({ where: { id: caseId }, select: CASE_FACTS });
}

/** What staff may do before its day. The floor stands for them too. */
function earliest(timeline: readonly TimelineEntry[], row: CaseFacts): TimelineEntry | undefined {
	const entry = timeline.find(
		({ state, skip }) => !skip && (state === 'due' || state === 'planned')
	);
	const { paidThrough } = row.subscription;
	const cuts = entry && ['read_only', 'suspend', 'delete'].includes(entry.act);
	if (cuts && paidThrough && paidThrough > now())
		throw new AppError('PAID_THROUGH', {
			params: { date: paidThrough.toISOString().slice(0, 10) }
		});
	return entry;
}

async function note(tx: Tx, row: CaseFacts, entry: TimelineEntry): Promise<void> {
	await tx.dunningAct.create({
		data: {
			customerId: row.customerId,
			caseId: row.id,
			stageId: entry.id,
			act: entry.act,
			dueAt: entry.at,
			doneAt: now(),
			outcome: entry.skip ? 'skipped' : entry.act === 'retry' ? 'ordered' : 'done',
			detail: entry.skip
		}
	});
}

type Effect = (
	tx: Tx,
	row: CaseFacts,
	entry: TimelineEntry,
	timeline: readonly TimelineEntry[],
	doing: Doing
) => Promise<void>;

const EFFECTS: Record<TimelineEntry['act'], Effect> = {
	mail: tellStage,
	// The row is the order; see finishRetries.
	retry: async () => {},
	read_only: async (tx, row, entry, timeline) => {
		await tellInstances(tx, row);
		await tellStage(tx, row, entry, timeline);
	},
	suspend: async (tx, row, entry, timeline) => {
		const before = await tx.subscription.findUniqueOrThrow({ where: { id: row.subscriptionId } });
		const status = statusOf(before.stripeStatus ?? '', { suspended: true }) ?? before.status;
		const after = await tx.subscription.update({
			where: { id: before.id },
			data: { dunningSuspendedAt: now(), status }
		});
		await afterChange(tx, before, after, before.mrr);
		// Stripe may have said so before: then the status is the same, and nobody was told.
		await tellInstances(tx, row);
		await tellStage(tx, row, entry, timeline);
	},
	delete: async (tx, row, entry, timeline, { by }) => {
		await cancelSubscription(tx, { subscriptionId: row.subscriptionId, reason: 'unpaid', by });
		await tellStage(tx, row, entry, timeline);
	}
};

async function tellInstances(tx: Tx, { subscriptionId }: CaseFacts): Promise<void> {
	await enqueue(tx, 'provisioning.subscription-changed', { subscriptionId });
}

/**
 * Sends the retries of a case that are ordered to Stripe, each under the key of its act, and reads back what came of
 * them. Killed anywhere it goes on where it was: the same key is the same attempt.
 * @throws {StripeVendorError} when Stripe does not answer
 */
export async function finishRetries(caseId: string): Promise<void> {
	const ordered = await db.dunningAct.findMany({ where: { caseId, outcome: 'ordered' } });
	for (const act of ordered) {
		const detail = await retry(caseId, act.id);
		await transaction(async (tx) => {
			await tx.dunningAct.updateMany({
				where: { id: act.id, outcome: 'ordered' },
				data: { outcome: 'done', detail }
			});
			await audit(tx, {
				actor: SYSTEM,
				action: 'billing.dunning-retry-result',
				subject: { type: 'dunning-case', id: caseId },
				customerId: act.customerId,
				after: { result: detail }
			});
		});
	}
}

/** @returns `paid`, or why not */
async function retry(caseId: string, actId: string): Promise<string> {
	const row = await db.dunningCase.findUniqueOrThrow({
		where: { id: caseId },
		select: CASE_FACTS
	});
	const { customerId, subscription } = row;
	const client = await stripeClient({ subjectId: subscription.id, customerId });
	let result = 'paid';
	for (const { stripeInvoiceId } of subscription.invoices) {
		if (!stripeInvoiceId) continue;
		try {
			await client.invoices.pay(
				stripeInvoiceId,
				{ off_session: true },
				`dunning:${actId}:${stripeInvoiceId}`
			);
		} catch (error) {
			if (!(error instanceof StripeVendorError) || !refusals.has(error.kind)) throw error;
			result = wordOf(error);
		}
		const mirrored = await mirrorInvoice(stripeInvoiceId);
		// Read back: a refusal to pay what is paid already is none.
		if (mirrored?.row.status === 'paid') result = 'paid';
		else if (result === 'paid') result = 'unpaid';
		// Stripe says no to one for what it says no to all.
		if (result !== 'paid') break;
	}
	if (subscription.stripeSubscriptionId)
		await mirrorSubscription(subscription.stripeSubscriptionId);
	return result;
}

const refusals = new Set(['declined', 'refused', 'missing']);

function wordOf(error: StripeVendorError): string {
	if (error.kind === 'declined') return error.declineCode ?? 'declined';
	return /default_payment_method|payment method/i.test(error.message) ? 'no_method' : 'refused';
}
