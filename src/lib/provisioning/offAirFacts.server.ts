import { db } from '#lib/core/db.server.ts';
import { date, money } from '#lib/ui/format.ts';
import { CASE_FACTS, dunningRules, timelineOfCase } from '../billing/dunningFacts.server.ts';
import { openInvoicesOf, payLink } from '../billing/dunningPayLink.server.ts';
import { whenOf } from '../billing/dunningTimeline.ts';

/** What the page of an unpaid instance says, written out in its reader's language. */
export interface UnpaidFacts {
	/** Sums by currency; empty when nothing is known to be open. */
	owed: string[];
	/** Since when the payment is late, and since when the instance is off. */
	lateSince: string | null;
	since: string | null;
	/** The day on which the subscription ends; null when nothing ends it. */
	ends: string | null;
	payUrl: string;
}

/** How much is owed, since when, and what happens next. Days are the platform's. */
export async function unpaidFacts(
	subscriptionId: string,
	locale: 'es' | 'en'
): Promise<UnpaidFacts> {
	const rules = await dunningRules();
	const { pastDueSince, dunningSuspendedAt } = await db.subscription.findUniqueOrThrow({
		where: { id: subscriptionId },
		select: { pastDueSince: true, dunningSuspendedAt: true }
	});
	const open = await db.dunningCase.findFirst({
		where: { subscriptionId, closedAt: null },
		select: CASE_FACTS
	});
	const sums = new Map<string, number>();
	for (const { currency, amountRemaining } of await openInvoicesOf(subscriptionId))
		sums.set(currency, (sums.get(currency) ?? 0) + amountRemaining);
	const day = (at: Date | null) => at && date(at, locale, rules.timeZone);
	return {
		owed: [...sums].map(([currency, minor]) => money(minor, currency, locale)),
		lateSince: day(open?.startedAt ?? pastDueSince),
		since: day(dunningSuspendedAt),
		ends: open ? day(whenOf(await timelineOfCase(db, open, rules), 'delete')) : null,
		payUrl: payLink(subscriptionId, 'page')
	};
}
