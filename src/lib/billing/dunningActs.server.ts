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
import { CUTS, type TimelineEntry } from './dunningTimeline.ts';
import { mirrorInvoice } from './invoices.server.ts';
import { statusOf } from './subscriptionStates.ts';
import { afterChange } from './subscriptionWrite.server.ts';
import { cancelSubscription, mirrorSubscription } from './subscriptions.server.ts';

/** Who does it; `early`: staff do not wait for its date, and either take what is next or try the card. */
export interface Doing {
	by: Actor;
	early?: 'next' | 'retry';
	/** Stage that the person saw: another one is not done for it. */
	seen?: string | null;
}

/**
 * Does what is due next in a case: exactly one act, together with the row that says so. What goes to Stripe is only
 * ordered here, and done by `finishRetries`.
 * @returns the act; null when nothing is due
 * @throws {AppError} PAID_THROUGH, NO_RETRY_LEFT for what staff may not do early
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
		? earliest(timeline, row, doing.early)
		: timeline.find(({ state }) => state === 'due');
	if (!entry) return null;
	// The worker, or a second click, was faster.
	if (doing.seen && doing.seen !== entry.id) throw new AppError('CHANGED_MEANWHILE');
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

/** What staff may do before its day. The floor stands for them too. @throws {AppError} PAID_THROUGH, NO_RETRY_LEFT */
function earliest(
	timeline: readonly TimelineEntry[],
	row: CaseFacts,
	wanted: 'next' | 'retry'
): TimelineEntry | undefined {
	const open = timeline.filter(({ state }) => state === 'due' || state === 'planned');
	if (wanted === 'retry') {
		const retry = open.find(({ act }) => act === 'retry');
		// That Stripe will try by itself is no reason not to try now.
		if (!retry || (retry.skip && !['stripe_retries', 'late', 'grace'].includes(retry.skip)))
			throw new AppError('NO_RETRY_LEFT');
		return { ...retry, skip: null };
	}
	const entry = open.find(({ skip }) => !skip);
	const { paidThrough } = row.subscription;
	if (entry && CUTS.includes(entry.act) && paidThrough && paidThrough > now())
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
			// What is done before its day moves the days of what follows, as what is late does.
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
 * @returns what came of each, by stage
 * @throws {StripeVendorError} when Stripe does not answer
 */
export async function finishRetries(caseId: string): Promise<Map<string, string>> {
	const ordered = await db.dunningAct.findMany({ where: { caseId, outcome: 'ordered' } });
	const results = new Map<string, string>();
	for (const act of ordered) {
		const detail = await retry(caseId, act.id);
		results.set(act.stageId, detail);
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
	return results;
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
