import { now } from '#lib/core/clock.server.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { setting } from '#lib/settings/settings.server.ts';
import type { Prisma } from '#prisma/generated/client.ts';
import { nextOf, timelineOf, type Facts, type TimelineEntry } from './dunningTimeline.ts';

/** How the platform counts days, and who tries cards again. */
export interface DunningRules {
	timeZone: string;
	hour: number;
	stripeRetries: boolean;
}

export async function dunningRules(): Promise<DunningRules> {
	return {
		timeZone: await setting('general.timezone'),
		hour: await setting('billing.dunning_hour'),
		stripeRetries: await setting('billing.stripe_retries')
	};
}

/** Everything of a case that its dates depend on. */
export const CASE_FACTS = {
	id: true,
	customerId: true,
	subscriptionId: true,
	startedAt: true,
	graceUntil: true,
	closedAt: true,
	outcome: true,
	held: true,
	owed: true,
	currency: true,
	policy: {
		select: {
			id: true,
			key: true,
			name: true,
			version: true,
			stages: { select: { id: true, day: true, act: true, tone: true } }
		}
	},
	acts: {
		orderBy: { doneAt: 'asc' },
		select: {
			id: true,
			stageId: true,
			act: true,
			dueAt: true,
			doneAt: true,
			outcome: true,
			detail: true
		}
	},
	subscription: {
		select: {
			id: true,
			status: true,
			stripeStatus: true,
			paidThrough: true,
			disputedAt: true,
			pastDueSince: true,
			dunningSuspendedAt: true,
			stripeSubscriptionId: true,
			invoices: {
				where: { status: 'open', amountRemaining: { gt: 0 } },
				orderBy: { createdAt: 'asc' },
				select: {
					id: true,
					number: true,
					stripeInvoiceId: true,
					amountRemaining: true,
					currency: true,
					dueAt: true,
					issuedAt: true,
					attemptCount: true,
					nextAttemptAt: true,
					attempts: { orderBy: { at: 'desc' }, take: 10 }
				}
			}
		}
	}
} as const satisfies Prisma.DunningCaseSelect;

export type CaseFacts = Prisma.DunningCaseGetPayload<{ select: typeof CASE_FACTS }>;

/** Stripe's words for an attempt that brought no money. */
export const UNPAID_ATTEMPTS = ['failed', 'requires_payment_method', 'requires_action'] as const;
const UNPAID: readonly string[] = UNPAID_ATTEMPTS;

/** Declines after which the same card is never charged again: Stripe's list of hard ones, and what the bank itself advises. */
const FOR_GOOD = new Set([
	'lost_card',
	'stolen_card',
	'pickup_card',
	'incorrect_number',
	'invalid_account',
	'highest_risk_level',
	'transaction_not_allowed',
	'revocation_of_authorization',
	'revocation_of_all_authorizations',
	'stop_payment_order',
	// The bank wants the customer, who is not here.
	'authentication_required',
	'no_payment_method'
]);

export function isForGood(attempt: {
	declineCode: string | null;
	adviceCode: string | null;
}): boolean {
	return (
		attempt.adviceCode === 'do_not_try_again' ||
		(attempt.declineCode !== null && FOR_GOOD.has(attempt.declineCode))
	);
}

/**
 * Why trying again is no use; null when it may work. A card that was added since changes that.
 * @param newestMethodAt when the customer last saved a card
 */
function noRetryOf(row: CaseFacts, newestMethodAt: Date | null): string | null {
	const attempts = row.subscription.invoices.flatMap(({ attempts }) => attempts);
	const last = attempts
		.filter(({ status }) => UNPAID.includes(status))
		.sort((a, b) => b.at.getTime() - a.at.getTime())[0];
	const unable = row.acts.findLast(
		({ act, detail }) => act === 'retry' && (detail === 'no_method' || isNamedForGood(detail))
	);
	const refusal = [
		...(last && isForGood(last)
			? [{ at: last.at, why: last.declineCode ?? 'do_not_try_again' }]
			: []),
		...(unable?.detail ? [{ at: unable.doneAt, why: unable.detail }] : [])
	].sort((a, b) => b.at.getTime() - a.at.getTime())[0];
	if (!refusal) return null;
	if (newestMethodAt && newestMethodAt > refusal.at) return null;
	return refusal.why === 'no_payment_method' ? 'no_method' : refusal.why;
}

function isNamedForGood(detail: string | null): boolean {
	return detail !== null && FOR_GOOD.has(detail);
}

/** What decides the dates of a case. @param newestMethodAt see `newestMethod` */
export function factsOf(row: CaseFacts, rules: DunningRules, newestMethodAt: Date | null): Facts {
	const next = row.subscription.invoices
		.map(({ nextAttemptAt }) => nextAttemptAt)
		.filter((at) => at !== null)
		.sort((a, b) => a.getTime() - b.getTime())[0];
	return {
		startedAt: row.startedAt,
		paidThrough: row.subscription.paidThrough,
		graceUntil: row.graceUntil,
		acts: row.acts,
		held: row.closedAt ? 'closed' : row.held,
		noRetry: noRetryOf(row, newestMethodAt),
		stripeRetriesAt: rules.stripeRetries ? (next ?? null) : null,
		timeZone: rules.timeZone,
		hour: rules.hour
	};
}

/** When a customer last saved a card. */
export async function newestMethod(tx: Tx, customerId: string): Promise<Date | null> {
	const method = await tx.paymentMethod.findFirst({
		where: { customerId },
		orderBy: { createdAt: 'desc' },
		select: { createdAt: true }
	});
	return method?.createdAt ?? null;
}

/** The timeline of one case as of now. */
export async function timelineOfCase(
	tx: Tx,
	row: CaseFacts,
	rules: DunningRules
): Promise<TimelineEntry[]> {
	const facts = factsOf(row, rules, await newestMethod(tx, row.customerId));
	return timelineOf(row.policy.stages, facts, now());
}

/** Keeps what comes next of a case beside it, for lists and the worker. */
export async function writeNext(tx: Tx, caseId: string, rules: DunningRules): Promise<void> {
	const row = await tx.dunningCase.findUniqueOrThrow({ where: { id: caseId }, select: CASE_FACTS });
	const next = row.closedAt ? null : nextOf(await timelineOfCase(tx, row, rules));
	await tx.dunningCase.update({
		where: { id: caseId },
		data: { nextAct: next?.act ?? null, nextAt: next?.at ?? null }
	});
}
