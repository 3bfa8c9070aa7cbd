import { Prisma } from '#prisma/generated/client.ts';
import { addMonths } from '#lib/core/dates.ts';
import { now } from '#lib/core/clock.server.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { dunningRules, type DunningRules } from './dunningFacts.server.ts';
import { timelineOf, type Stage, type TimelineEntry } from './dunningTimeline.ts';
import type { NewStage } from './dunningPolicyForm.ts';

const MONTHS = 12;
/** More than these say nothing more about a policy, and would take long to read. */
const MOST = 5_000;

/** A payment that failed once, and what became of it. */
export interface PastFailure {
	/** Of the invoice. */
	id: string;
	number: string | null;
	customerId: string;
	company: string;
	amount: number;
	currency: string;
	failedAt: Date;
	paidAt: Date | null;
	/** When it stopped being asked for without being paid. */
	givenUpAt: Date | null;
	paidThrough: Date | null;
}

export interface PlayedCase {
	failure: PastFailure;
	mails: number;
	readOnlyAt: Date | null;
	suspendedAt: Date | null;
	deletedAt: Date | null;
}

export interface PlayedTotals {
	cases: number;
	mails: number;
	readOnly: number;
	/** Suspended before they paid, and those who never did. */
	suspended: number;
	deleted: number;
	/** Customers who paid later, but whom this policy would have ended before. */
	lost: number;
	/** Minor units by currency that came before a suspension. */
	recovered: Record<string, number>;
	/** … and those that came after this policy would have ended the subscription. */
	forgone: Record<string, number>;
}

/** Payments of the last twelve months that failed at least once, newest first; `more` when there are too many to read. */
export async function pastFailures(tx: Tx): Promise<{ failures: PastFailure[]; more: boolean }> {
	const { failures, next } = await failuresAfter(tx, null, MOST);
	const newest = failures.toSorted((a, b) => b.failedAt.getTime() - a.failedAt.getTime());
	return { failures: newest, more: next !== null };
}

/**
 * All of them, a batch at a time: those of the newest invoices first.
 * @param cursor `next` of the batch before; null begins
 */
export async function failuresAfter(
	tx: Tx,
	cursor: string | null,
	take: number
): Promise<{ failures: PastFailure[]; next: string | null }> {
	const { timeZone } = await dunningRules();
	const since = addMonths(now(), -MONTHS, timeZone);
	const [at, id] = cursor?.split('~') ?? [];
	const before =
		at && id
			? Prisma.sql`AND (invoice.created_at, invoice.id) < (${new Date(at)}, ${id}::uuid)`
			: Prisma.empty;
	const rows = await tx.$queryRaw<(PastFailure & { issuedAt: Date })[]>`
		WITH failed AS (
			SELECT invoice.id, invoice.number, invoice.customer_id, invoice.subscription_id, invoice.status,
				invoice.amount_paid + invoice.amount_remaining AS amount, invoice.currency, invoice.paid_at,
				invoice.updated_at, invoice.created_at, attempt.at AS failed_at
			FROM invoices invoice
			CROSS JOIN LATERAL (
				SELECT coalesce(min(payment_attempts.at), invoice.issued_at, invoice.created_at) AS at
				FROM payment_attempts
				WHERE payment_attempts.invoice_id = invoice.id
					AND payment_attempts.status IN ('failed', 'requires_payment_method', 'requires_action')
			) attempt
			WHERE invoice.created_at >= ${since} ${before} AND invoice.subscription_id IS NOT NULL
				AND invoice.billing_reason IS DISTINCT FROM 'subscription_create'
				AND (invoice.attempt_count > 1 OR (invoice.attempt_count = 1 AND invoice.status IN ('open', 'uncollectible', 'void')))
			ORDER BY invoice.created_at DESC, invoice.id DESC
			LIMIT ${take + 1}
		)
		SELECT failed.id, failed.number, failed.customer_id AS "customerId", customer.company_name AS company,
			failed.amount, failed.currency, failed.failed_at AS "failedAt", failed.paid_at AS "paidAt",
			CASE WHEN failed.status IN ('void', 'uncollectible') THEN failed.updated_at END AS "givenUpAt",
			(SELECT max(line.period_end) FROM invoices paid JOIN invoice_lines line ON line.invoice_id = paid.id
				WHERE paid.subscription_id = failed.subscription_id AND paid.status = 'paid'
					AND paid.paid_at <= failed.failed_at) AS "paidThrough", failed.created_at AS "issuedAt"
		FROM failed JOIN customers customer ON customer.id = failed.customer_id
		ORDER BY failed.created_at DESC, failed.id DESC`;
	const shown = rows.slice(0, take);
	const last = rows.length > take ? shown.at(-1) : undefined;
	return {
		failures: shown.map(({ issuedAt: _, ...failure }) => failure),
		next: last ? `${last.issuedAt.toISOString()}~${last.id}` : null
	};
}

/** What a policy would have done with each of these, by the same function that the worker follows. */
export async function play(
	stages: readonly NewStage[],
	failures: readonly PastFailure[]
): Promise<PlayedCase[]> {
	const rules = await dunningRules();
	const policy = stages.map((stage, index) => ({ ...stage, id: String(index) }));
	return failures.map((failure) => playOne(policy, failure, rules, now()));
}

function playOne(
	policy: readonly Stage[],
	failure: PastFailure,
	rules: DunningRules,
	at: Date
): PlayedCase {
	const planned = timelineOf(
		policy,
		{
			startedAt: failure.failedAt,
			paidThrough: failure.paidThrough,
			...{ graceUntil: null, acts: [], held: null, noRetry: null, stripeRetriesAt: null },
			timeZone: rules.timeZone,
			hour: rules.hour
		},
		failure.failedAt
	);
	const end = failure.paidAt ?? failure.givenUpAt ?? at;
	const happened = planned.filter((entry) => entry.at < end && !entry.skip);
	const when = (act: TimelineEntry['act']) =>
		happened.find((entry) => entry.act === act)?.at ?? null;
	return {
		failure,
		mails: happened.filter(({ act }) => act === 'mail').length,
		readOnlyAt: when('read_only'),
		suspendedAt: when('suspend'),
		deletedAt: when('delete')
	};
}

export function totalsOf(played: readonly PlayedCase[]): PlayedTotals {
	const totals: PlayedTotals = {
		...{ cases: played.length, mails: 0, readOnly: 0, suspended: 0, deleted: 0, lost: 0 },
		...{ recovered: {}, forgone: {} }
	};
	const add = (sums: Record<string, number>, { currency, amount }: PastFailure) => {
		sums[currency] = (sums[currency] ?? 0) + amount;
	};
	for (const { failure, mails, readOnlyAt, suspendedAt, deletedAt } of played) {
		totals.mails += mails;
		if (readOnlyAt) totals.readOnly += 1;
		if (suspendedAt) totals.suspended += 1;
		if (deletedAt) totals.deleted += 1;
		if (failure.paidAt && !suspendedAt) add(totals.recovered, failure);
		if (failure.paidAt && deletedAt) {
			totals.lost += 1;
			add(totals.forgone, failure);
		}
	}
	return totals;
}
