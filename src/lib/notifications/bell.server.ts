import { DAY, after } from '#lib/core/clock.server.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { publish } from '#lib/core/live.server.ts';
import type { Prisma } from '#prisma/generated/client.ts';
import { notificationSentence, subjectHref } from './sentences.ts';

/** Who looks: staff with what they may do, or a member of a customer (then `tx` is one of `asCustomer`). */
export type Viewer =
	| { side: 'staff'; userId: string; permissions: ReadonlySet<string> }
	| { side: 'customer'; userId: string; customerId: string };

export interface BellEntry {
	id: string;
	kind: string;
	/** info, success, warning or error. */
	severity: string;
	/** In the language of the request. */
	sentence: string;
	/** Path of ours that shows more. */
	href: string | null;
	createdAt: Date;
	read: boolean;
}

/** What is older is no news, and nothing that a new colleague must read. */
const NEWS_LASTS = 30 * DAY;
const SHOWN = 20;

/** How many notifications of the last 30 days this person has not seen, and the latest twenty, newest first. */
export async function unread(
	tx: Tx,
	viewer: Viewer
): Promise<{ unread: number; notifications: BellEntry[] }> {
	const where = audience(viewer);
	const rows = await tx.notification.findMany({
		where,
		orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
		take: SHOWN,
		select: {
			id: true,
			kind: true,
			severity: true,
			data: true,
			href: true,
			createdAt: true,
			reads: { where: { userId: viewer.userId }, select: { readAt: true } }
		}
	});
	const count = await tx.notification.count({
		where: { ...where, reads: { none: { userId: viewer.userId } } }
	});
	return {
		unread: count,
		notifications: rows.map(({ data, href, reads, ...row }) => ({
			...row,
			sentence: notificationSentence(row.kind, data),
			href: href ?? subjectHref(data),
			read: reads.length > 0
		}))
	};
}

/**
 * Remembers that this person has seen these, or all of them; for everybody else they stay unread. Ids that are nobody's
 * or somebody else's change nothing.
 * @returns how many were unread before
 */
export async function markRead(
	tx: Tx,
	viewer: Viewer,
	which: readonly string[] | 'all'
): Promise<number> {
	const { userId } = viewer;
	const seen = await tx.notification.findMany({
		where: {
			...audience(viewer),
			reads: { none: { userId } },
			...(which !== 'all' && { id: { in: [...which] } })
		},
		select: { id: true }
	});
	if (seen.length === 0) return 0;
	const { count } = await tx.notificationRead.createMany({
		data: seen.map(({ id }) => ({ userId, notificationId: id })),
		// Read in two tabs at the same time.
		skipDuplicates: true
	});
	await publish(tx, `user:${userId}`, 'notifications');
	return count;
}

/** What concerns this person. Row-level security says the same once more for members. */
function audience(viewer: Viewer): Prisma.NotificationWhereInput {
	const { userId } = viewer;
	const createdAt = { gte: after(new Date(), -NEWS_LASTS) };
	if (viewer.side === 'customer') {
		return { createdAt, customerId: viewer.customerId, OR: [{ userId: null }, { userId }] };
	}
	return {
		createdAt,
		customerId: null,
		OR: [
			{ userId },
			{ userId: null, permission: null },
			{ userId: null, permission: { in: [...viewer.permissions] } }
		]
	};
}
