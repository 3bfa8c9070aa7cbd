import { setTimeout as sleep } from 'node:timers/promises';
import { now, SECOND } from '#lib/core/clock.server.ts';
import { db } from '#lib/core/db.server.ts';
import { watchLog } from './connectorLog.server.ts';

/** How long an answer waits for the worker that reads the journal. */
const PATIENCE_MS = 5 * SECOND;
/** Of a journal that is followed and has nothing new nothing comes. */
const SILENCE_MS = 1.5 * SECOND;
const LOOK_MS = 100;

/**
 * Has a tunnel's log read, for who asks once: waits until a worker has kept what the journal says, or has said why it
 * cannot; a few seconds at most.
 */
export async function freshLog(tunnelId: string): Promise<void> {
	const asked = now();
	const before = await lastOf(tunnelId);
	const known = await db.tunnelHost.findUnique({ where: { tunnelId } });
	await watchLog(tunnelId);
	// It is followed already: what is kept is what there is.
	if (known?.followedFrom && known.watchedUntil && known.watchedUntil > asked) return;
	const end = Date.now() + PATIENCE_MS;
	let followed: number | null = null;
	while (Date.now() < end && (followed === null || Date.now() - followed < SILENCE_MS)) {
		const row = await db.tunnelHost.findUnique({ where: { tunnelId } });
		if (row?.trouble && row.checkedAt && row.checkedAt >= asked) return;
		if (row?.followedFrom) followed ??= Date.now();
		if ((await lastOf(tunnelId)) !== before) return;
		await sleep(LOOK_MS);
	}
}

async function lastOf(tunnelId: string): Promise<bigint | null> {
	const { _max } = await db.tunnelLogLine.aggregate({ where: { tunnelId }, _max: { id: true } });
	return _max.id;
}
