import { after, DAY, MINUTE, now } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { stripeClient } from '#lib/settings/clients.server.ts';
import { defineRepair, type Found } from '../logs/drifts.server.ts';
import { factsOf, keepEvent, queueEvent } from './events.server.ts';
import type { Comparison } from './reconcile.server.ts';
import { eachAtStripe } from './reconcileWalk.server.ts';

/** Webhooks may be this late without anybody worrying. */
const LATE = 10 * MINUTE;

/** Events of the last day that Stripe sent and we never saw, and those that we cannot do. */
export const compareEvents: Comparison = async (tell) => {
	const client = await stripeClient();
	const since = Math.floor(after(now(), -DAY).getTime() / 1_000);
	const due = after(now(), -LATE).getTime() / 1_000;
	const looked = await eachAtStripe(
		(startingAfter) => client.events.since(since, startingAfter),
		async (page) => {
			const known = await db.stripeEvent.findMany({
				where: { eventId: { in: page.map(({ id }) => id) } },
				select: { eventId: true }
			});
			const seen = new Set(known.map(({ eventId }) => eventId));
			const missed = page.filter(({ id, created }) => !seen.has(id) && created <= due);
			await tell(
				missed.map((event): Found => ({
					kind: 'billing.event-missed',
					subjectType: 'stripe-event',
					subjectId: event.id,
					theirs: { type: event.type },
					cause: 'event-missed'
				}))
			);
		}
	);
	await tell(await stuck());
	return looked.size;
};

async function stuck(): Promise<Found[]> {
	const rows = await db.stripeEvent.findMany({
		where: { processed: false, error: { not: null }, receivedAt: { lt: after(now(), -LATE) } },
		orderBy: { receivedAt: 'asc' },
		take: 500,
		select: { eventId: true, eventType: true, error: true }
	});
	return rows.map(({ eventId, eventType, error }) => ({
		kind: 'billing.event-stuck',
		subjectType: 'stripe-event',
		subjectId: eventId,
		ours: { type: eventType, error: error?.slice(0, 200) },
		cause: 'event-failed'
	}));
}

defineRepair('billing.event-missed', async ({ subjectId }) => {
	const client = await stripeClient();
	const event = await client.events.retrieve(subjectId);
	await transaction((tx) => keepEvent(tx, event));
	return 'done';
});
defineRepair('billing.event-stuck', async ({ subjectId }) => {
	const event = await db.stripeEvent.findUniqueOrThrow({ where: { eventId: subjectId } });
	if (event.processed) return 'done';
	await transaction((tx) => queueEvent(tx, factsOf(event.payload)));
	return 'asked';
});
