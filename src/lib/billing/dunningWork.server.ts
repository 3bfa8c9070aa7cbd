import { now } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { log } from '#lib/core/log.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import { SYSTEM } from '#lib/logs/audit.server.ts';
import { stripeClient } from '#lib/settings/clients.server.ts';
import { doNext, finishRetries } from './dunningActs.server.ts';
import { dunningRules } from './dunningFacts.server.ts';
import { mirrorInvoice } from './invoices.server.ts';
import { mirrorSubscription } from './subscriptions.server.ts';

/** More than a policy has stages: what is due at one moment is done in one run. */
const ACTS_AT_ONCE = 50;

/**
 * Takes one case as far as its dates allow, one act after the other. Before anything is done it is read from Stripe
 * whether it is still owed, so that a webhook that was lost suspends nobody who has paid.
 * Killed at any line it goes on where it was.
 * @throws {StripeVendorError} when Stripe does not answer: then nothing is done, and the next minute tries again
 */
export async function workCase(caseId: string): Promise<void> {
	await finishRetries(caseId);
	if (!(await isDue(caseId))) return;
	await readBack(caseId);
	const rules = await dunningRules();
	for (let round = 0; round < ACTS_AT_ONCE; round++) {
		const done = await transaction((tx) => doNext(tx, caseId, rules, { by: SYSTEM }));
		if (!done) return;
		if (done.act === 'retry' && !done.skip) await finishRetries(caseId);
	}
}

async function isDue(caseId: string): Promise<boolean> {
	const row = await db.dunningCase.findUnique({
		where: { id: caseId },
		select: { closedAt: true, nextAt: true }
	});
	return row?.closedAt === null && row.nextAt !== null && row.nextAt <= now();
}

/** Writes what Stripe says now of a case's subscription and of what is open of it, there or here. */
export async function readBack(caseId: string): Promise<void> {
	const { subscription } = await db.dunningCase.findUniqueOrThrow({
		where: { id: caseId },
		select: {
			subscription: {
				select: {
					stripeSubscriptionId: true,
					invoices: { where: { status: 'open' }, select: { stripeInvoiceId: true } }
				}
			}
		}
	});
	const { stripeSubscriptionId, invoices } = subscription;
	if (!stripeSubscriptionId) return;
	const client = await stripeClient();
	const known = invoices.map(({ stripeInvoiceId }) => stripeInvoiceId);
	for (const { id, status } of await client.invoices.ofSubscription(stripeSubscriptionId))
		if (status === 'open' || known.includes(id)) await mirrorInvoice(id);
	await mirrorSubscription(stripeSubscriptionId);
}

/** Cases of one look; the next minute takes the rest. */
const CASES = 500;

/**
 * Every minute: cases whose time has come, and those with a retry that nobody finished.
 * @returns how many were looked at
 */
export async function workDunning(): Promise<number> {
	const due = await db.dunningCase.findMany({
		where: {
			OR: [{ closedAt: null, nextAt: { lte: now() } }, { acts: { some: { outcome: 'ordered' } } }]
		},
		orderBy: { nextAt: 'asc' },
		take: CASES,
		select: { id: true }
	});
	for (const { id } of due)
		await transaction((tx) => enqueue(tx, 'billing.dunning-case', { caseId: id }, { key: id }));
	if (due.length === CASES) log.warn({ cases: CASES }, 'more late payments than one look takes');
	return due.length;
}
