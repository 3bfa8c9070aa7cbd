import { after, HOUR, MINUTE, DAY, now } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import { openAlert } from '#lib/notifications/alerts.server.ts';
import { stripeClient } from '#lib/settings/clients.server.ts';
import { setting } from '#lib/settings/settings.server.ts';
import { factsOf, keepEvent, queueEvent } from './events.server.ts';
import { NOT_OURS } from './refundChain.server.ts';

/** Stripe may list an event a little after it happened. */
const OVERLAP = 10 * MINUTE;
/** Stripe keeps events for 30 days. */
const FARTHEST = 30 * DAY;
/** An event that is older than this and not done has lost its job. */
const STRANDED = 3 * MINUTE;
const UNFINISHED = ['open', 'waiting_payment', 'waiting_dispute', 'pending'] as const;
const CURSOR = 'events';

/**
 * Finds what webhooks did not bring or what was given up: events that we never saw, stored ones that are not done,
 * refunds that are not at their end, and changes that were ordered and not made.
 * @returns how many events were new
 */
export async function catchUp(): Promise<number> {
	const found = await missedEvents();
	await requeueStranded();
	await requeueRefunds();
	await requeueChanges();
	await forgetPreviews();
	return found;
}

async function missedEvents(): Promise<number> {
	const at = now();
	const cursor = await db.stripeCursor.findUnique({ where: { name: CURSOR } });
	const since = cursor ? after(cursor.seenThrough, -OVERLAP) : after(at, -FARTHEST);
	const client = await stripeClient();
	let found = 0;
	let startingAfter: string | undefined;
	for (;;) {
		const page = await client.events.since(Math.floor(since.getTime() / 1000), startingAfter);
		for (const event of page.data) if (await transaction((tx) => keepEvent(tx, event))) found += 1;
		startingAfter = page.data.at(-1)?.id;
		if (!page.has_more || !startingAfter) break;
	}
	// Moved only when every page was kept.
	await db.stripeCursor.upsert({
		where: { name: CURSOR },
		create: { name: CURSOR, seenThrough: at },
		update: { seenThrough: at }
	});
	return found;
}

async function requeueStranded(): Promise<void> {
	const stranded = await db.stripeEvent.findMany({
		where: { processed: false, receivedAt: { lt: new Date(Date.now() - STRANDED) } },
		orderBy: { receivedAt: 'asc' },
		take: 500,
		select: { payload: true }
	});
	for (const { payload } of stranded) await transaction((tx) => queueEvent(tx, factsOf(payload)));
}

async function requeueRefunds(): Promise<void> {
	const late = after(now(), -(await setting('billing.refund_alert_hours')) * HOUR);
	const orders = await db.refundOrder.findMany({ where: { status: { in: [...UNFINISHED] } } });
	for (const order of orders) {
		await transaction(async (tx) => {
			await enqueue(tx, 'billing.refund-signup', { orderId: order.id }, { key: order.id });
			if (order.dueSince >= late || NOT_OURS.includes(order.status)) return;
			await openAlert(tx, {
				rule: 'billing.refund-late',
				subjectType: 'refund-order',
				subjectId: order.id,
				severity: 'warning',
				data: { signupId: order.signupId, customerId: order.customerId, status: order.status }
			});
		});
	}
}

/** What was shown and not ordered can be ordered for half an hour; nobody looks for it later. */
async function forgetPreviews(): Promise<void> {
	await db.subscriptionChange.deleteMany({
		where: { status: 'previewed', createdAt: { lt: after(now(), -DAY) } }
	});
}

async function requeueChanges(): Promise<void> {
	const due = [{ effectiveAt: { lte: now() } }, { undoneBy: { not: null } }];
	const ordered = await db.subscriptionChange.findMany({
		where: {
			OR: [
				{ status: { in: ['ordered', 'waiting_payment'] } },
				// In force by now, or being taken back, and nobody has noted it.
				{ status: 'scheduled', OR: due }
			]
		},
		orderBy: { createdAt: 'asc' },
		take: 500,
		select: { id: true }
	});
	for (const { id } of ordered)
		await transaction((tx) => enqueue(tx, 'billing.settle-change', { changeId: id }, { key: id }));
}
