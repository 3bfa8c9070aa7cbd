import { z } from 'zod';
import { m } from '#i18n/paraglide/messages.js';
import { after, DAY, now } from '#lib/core/clock.server.ts';
import { atHour } from '#lib/core/dates.ts';
import { transaction, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import { publish } from '#lib/core/live.server.ts';
import { audit, type Actor } from '#lib/logs/audit.server.ts';
import type { DunningCase } from '#prisma/generated/client.ts';
import { doNext, finishRetries } from './dunningActs.server.ts';
import { closeCase } from './dunningCases.server.ts';
import { dunningRules, writeNext } from './dunningFacts.server.ts';
import { readBack } from './dunningWork.server.ts';
import type { TimelineEntry } from './dunningTimeline.ts';

/** Longer than this nobody waits for money without a contract that says so. */
const LONGEST_DAYS = 180;

/** Why, for colleagues. */
export const reason = z
	.string()
	.trim()
	.min(3, { error: () => m.dunning_reason_needed() })
	.max(500);

/** A day, and why. */
export const giveTimeForm = z.object({
	until: z.iso.date({ error: () => m.dunning_until_needed() }),
	reason
});

/** A case that is open. @throws {AppError} NOT_FOUND; CHANGED_MEANWHILE when it was closed meanwhile */
async function openCase(tx: Tx, caseId: string): Promise<DunningCase> {
	const row = await tx.dunningCase.findUnique({ where: { id: caseId } });
	if (!row) throw new AppError('NOT_FOUND');
	if (row.closedAt) throw new AppError('CHANGED_MEANWHILE');
	return row;
}

/**
 * Gives a customer more time: nothing happens before that day, and what comes after keeps its distances.
 * @param act.until `2026-11-30`, a day of the platform; things go on at its hour
 * @throws {AppError} BAD_INPUT beside `until` for a day that is over or far away
 */
export async function giveTime(
	caseId: string,
	act: { until: string; reason: string; by: Actor }
): Promise<void> {
	const rules = await dunningRules();
	const noon = new Date(`${act.until}T12:00:00Z`);
	const until = atHour(noon, 0, rules.hour, rules.timeZone);
	const wrong = until <= now() || until > after(now(), LONGEST_DAYS * DAY);
	if (wrong)
		throw new AppError('BAD_INPUT', {
			fields: { until: m.dunning_until_wrong({ days: LONGEST_DAYS }) }
		});
	await transaction(async (tx) => {
		const row = await openCase(tx, caseId);
		await tx.dunningCase.update({ where: { id: row.id }, data: { graceUntil: until } });
		await audit(tx, {
			actor: act.by,
			action: 'billing.dunning-give-time',
			subject: { type: 'dunning-case', id: row.id },
			customerId: row.customerId,
			before: { graceUntil: row.graceUntil?.toISOString() ?? null },
			after: { graceUntil: until.toISOString(), reason: act.reason }
		});
		await writeNext(tx, row.id, rules);
		await publish(tx, [`customer:${row.customerId}`, 'staff:billing'], row.id);
	});
}

/**
 * Closes a case although nothing was paid: nothing more happens, and what it took away comes back. It opens again only
 * with the next payment that fails after this one is settled.
 */
export async function stopCase(caseId: string, act: { reason: string; by: Actor }): Promise<void> {
	await transaction(async (tx) => {
		const row = await openCase(tx, caseId);
		const subscription = await tx.subscription.update({
			where: { id: row.subscriptionId },
			data: { dunningSuspendedAt: null },
			select: { stripeSubscriptionId: true }
		});
		await closeCase(tx, row, 'stopped', act);
		// Its status without our suspension is what Stripe says, and so is its worth.
		const { stripeSubscriptionId } = subscription;
		if (stripeSubscriptionId)
			await enqueue(
				tx,
				'billing.refresh-subscription',
				{ stripeSubscriptionId },
				{ key: stripeSubscriptionId }
			);
	});
}

/**
 * Does the next act of a case now, or tries its card now. Before, it is read from Stripe whether it is still owed.
 * @returns what was done; null when it was paid meanwhile
 * @throws {AppError} PAID_THROUGH, NO_RETRY_LEFT; PAYMENT_UNAVAILABLE
 */
export async function actNow(
	caseId: string,
	act: { wanted: 'next' | 'retry'; seen: string | null; by: Actor }
): Promise<(TimelineEntry & { result: string | null }) | null> {
	await transaction((tx) => openCase(tx, caseId));
	await readBack(caseId);
	const rules = await dunningRules();
	const done = await transaction((tx) =>
		doNext(tx, caseId, rules, { by: act.by, early: act.wanted, seen: act.seen })
	);
	if (!done) return null;
	if (done.act !== 'retry') return { ...done, result: null };
	const results = await finishRetries(caseId);
	return { ...done, result: results.get(done.id) ?? null };
}
