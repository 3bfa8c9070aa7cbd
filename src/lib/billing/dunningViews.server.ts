import type { Tx } from '#lib/core/db.server.ts';
import { CASE_FACTS, dunningRules, timelineOfCase, type CaseFacts } from './dunningFacts.server.ts';
import type { TimelineEntry } from './dunningTimeline.ts';

/** A case as every page shows it: the same timeline for staff, for the customer and for the worker. */
export interface DunningView {
	id: string;
	subscriptionId: string;
	policy: { name: string; version: number };
	startedAt: Date;
	paidThrough: Date | null;
	graceUntil: Date | null;
	closedAt: Date | null;
	outcome: string | null;
	held: string | null;
	/** Minor units. */
	owed: number;
	currency: string;
	/** The subscription is suspended. */
	suspended: boolean;
	/** When Stripe tries by itself again. */
	stripeRetriesAt: Date | null;
	invoices: { id: string; number: string | null; amountRemaining: number; currency: string }[];
	timeline: TimelineEntry[];
}

/** @returns the case; null when there is none under this id for this customer (any, for staff) */
export async function dunningView(
	tx: Tx,
	where: { id: string; customerId?: string }
): Promise<DunningView | null> {
	const row = await tx.dunningCase.findFirst({ where, select: CASE_FACTS });
	return row && viewOf(tx, row);
}

const MOST = 10;

/**
 * The cases of a customer or of one subscription, open ones first.
 * @param where.open only those that are open
 */
export async function dunningViews(
	tx: Tx,
	where: { customerId: string; subscriptionId?: string; open?: boolean }
): Promise<DunningView[]> {
	const { customerId, subscriptionId, open } = where;
	const rows = await tx.dunningCase.findMany({
		where: {
			customerId,
			...(subscriptionId && { subscriptionId }),
			...(open && { closedAt: null })
		},
		orderBy: [{ closedAt: { sort: 'desc', nulls: 'first' } }, { startedAt: 'desc' }],
		take: MOST,
		select: CASE_FACTS
	});
	const views: DunningView[] = [];
	for (const row of rows) views.push(await viewOf(tx, row));
	return views;
}

async function viewOf(tx: Tx, row: CaseFacts): Promise<DunningView> {
	const { subscription } = row;
	const retries = subscription.invoices
		.map(({ nextAttemptAt }) => nextAttemptAt)
		.filter((at) => at !== null)
		.sort((a, b) => a.getTime() - b.getTime());
	return {
		id: row.id,
		subscriptionId: row.subscriptionId,
		policy: { name: row.policy.name, version: row.policy.version },
		startedAt: row.startedAt,
		paidThrough: subscription.paidThrough,
		graceUntil: row.graceUntil,
		closedAt: row.closedAt,
		outcome: row.outcome,
		held: row.held,
		owed: row.owed,
		currency: row.currency,
		suspended: subscription.status === 'suspended',
		stripeRetriesAt: row.closedAt ? null : (retries[0] ?? null),
		invoices: subscription.invoices.map(({ id, number, amountRemaining, currency }) => ({
			...{ id, number, amountRemaining, currency }
		})),
		timeline: timelineFor(row, await timelineOfCase(tx, row, await dunningRules()))
	};
}

/** Of a closed case what is left was never done; of one that moved, what it did under the older version stays. */
function timelineFor(row: CaseFacts, timeline: TimelineEntry[]): TimelineEntry[] {
	const shown = row.closedAt
		? timeline.filter(({ state }) => state === 'done' || state === 'skipped' || state === 'ordered')
		: timeline;
	return shown.sort((a, b) => a.at.getTime() - b.at.getTime());
}
