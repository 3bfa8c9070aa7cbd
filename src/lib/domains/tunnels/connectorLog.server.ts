import { MINUTE, SECOND, after, now } from '#lib/core/clock.server.ts';
import { db, transaction, type Tx } from '#lib/core/db.server.ts';
import { publish } from '#lib/core/live.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import type { JournalLine } from '#lib/integrations/cloudflared/journal.ts';
import type { LogLevel, Tunnel, TunnelLogLine } from '#prisma/generated/client.ts';

declare module '#lib/core/queue.server.ts' {
	interface JobMap {
		'tunnels.check-host': { tunnelId: string };
		/** Follows cloudflared's log for as long as somebody looks at it. */
		'tunnels.follow-log': { tunnelId: string };
	}
}

/** Who looks says so again before this is over; a page that was left is forgotten by then. */
export const WATCH_MS = 30 * SECOND;
/** Lines of one tunnel that are kept. */
const KEPT = 2_000;
/** Lines that a look shows at most. */
export const SHOWN = 500;

/** Levels from the least up. */
export const LOG_LEVELS = ['debug', 'info', 'warning', 'error'] as const satisfies LogLevel[];

/** Topic of the notices about new lines. */
export function logTopic(tunnelId: string): string {
	return `tunnel-log:${tunnelId}`;
}

/**
 * Somebody looks at the log of a tunnel: a worker, which alone may use SSH, follows it for a while. Asking again while
 * one does is free.
 */
export async function watchLog(tunnelId: string): Promise<void> {
	const at = now();
	const known = await db.tunnelHost.findUnique({
		where: { tunnelId },
		select: { watchedUntil: true, followedFrom: true }
	});
	// A page loads with every few lines: one word in half the time is enough.
	const isFresh = known?.watchedUntil && known.watchedUntil > after(at, WATCH_MS / 2);
	if (isFresh && known.followedFrom) return;
	await transaction(async (tx) => {
		const watchedUntil = after(at, WATCH_MS);
		await tx.tunnelHost.upsert({
			where: { tunnelId },
			create: { tunnelId, watchedUntil },
			update: { watchedUntil }
		});
		await enqueue(tx, 'tunnels.follow-log', { tunnelId }, { key: tunnelId });
	});
}

export interface LogQuery {
	/** This level and those above it. */
	level: LogLevel;
	/** In the text, whatever the case. */
	q: string;
	/** Lines at most. */
	lines: number;
}

/** The last lines that a query takes, oldest first. */
export async function logLines(
	tx: Tx,
	tunnelId: string,
	query: LogQuery
): Promise<TunnelLogLine[]> {
	const level = { in: LOG_LEVELS.slice(LOG_LEVELS.indexOf(query.level)) };
	const text = query.q ? { contains: query.q, mode: 'insensitive' as const } : undefined;
	const rows = await tx.tunnelLogLine.findMany({
		where: { tunnelId, level, ...(text ? { text } : {}) },
		orderBy: { id: 'desc' },
		take: Math.min(query.lines, SHOWN)
	});
	return rows.reverse();
}

type LogPlace = Pick<Tunnel, 'id' | 'hostNodeId' | 'hostVmid' | 'hostUnit'>;

/** The tunnel, as long as its cloudflared is said to run there. */
export function placeKept({ id, hostNodeId, hostVmid, hostUnit }: LogPlace) {
	return { id, hostNodeId, hostVmid, hostUnit, deletedAt: null };
}

/**
 * Keeps lines, and as many as are kept of one tunnel; none of a place that it is no longer said to run at.
 * @param leftOut how many there were besides
 */
export async function keepLines(
	place: LogPlace,
	lines: JournalLine[],
	leftOut: number
): Promise<void> {
	const tunnelId = place.id;
	await transaction(async (tx) => {
		// Who changes the place, and with it forgets the lines, waits for us or has done so.
		await tx.$queryRaw`SELECT 1 FROM tunnels WHERE id = ${tunnelId}::uuid FOR SHARE`;
		if ((await tx.tunnel.count({ where: placeKept(place) })) === 0) return;
		await tx.tunnelLogLine.createMany({
			data: lines.map((line) => ({ tunnelId, ...line })),
			skipDuplicates: true
		});
		if (leftOut > 0) {
			await tx.tunnelLogLine.create({
				data: { tunnelId, cursor: null, at: now(), level: 'warning', text: String(leftOut) }
			});
		}
		await tx.$executeRaw`
			DELETE FROM tunnel_log_lines WHERE tunnel_id = ${tunnelId}::uuid AND id <= (
				SELECT id FROM tunnel_log_lines WHERE tunnel_id = ${tunnelId}::uuid
				ORDER BY id DESC OFFSET ${KEPT} LIMIT 1)`;
		await publish(tx, logTopic(tunnelId), tunnelId);
	});
}

/** Where the log goes on from; null from what journald says last. */
export async function lastCursor(tunnelId: string): Promise<string | null> {
	const last = await db.tunnelLogLine.findFirst({
		where: { tunnelId, cursor: { not: null } },
		orderBy: { id: 'desc' },
		select: { cursor: true }
	});
	return last?.cursor ?? null;
}

/** Of a host that is another now nothing is known any more. */
export async function forgetHost(tx: Tx, tunnelId: string): Promise<void> {
	await tx.tunnelLogLine.deleteMany({ where: { tunnelId } });
	await tx.tunnelHost.deleteMany({ where: { tunnelId } });
	await enqueue(tx, 'tunnels.check-host', { tunnelId }, { key: tunnelId });
}

/** How long one run follows at most; who still looks asks for the next. */
export const FOLLOW_MS = 10 * MINUTE;
