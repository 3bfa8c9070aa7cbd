import { z } from 'zod';
import { db, transaction } from '#lib/core/db.server.ts';
import { defineJob, ONE_PER_KEY } from '#lib/core/queue.server.ts';
import { advanceDrain } from './drainRun.server.ts';
import { wakeDrain } from './drainWake.server.ts';

declare module '#lib/core/queue.server.ts' {
	interface JobMap {
		'provisioning.wake-drains': Record<string, never>;
	}
}

defineJob({
	name: 'provisioning.drain',
	payload: z.object({ drainId: z.uuid() }),
	run: ({ drainId }) => advanceDrain(drainId),
	concurrency: 2,
	pollSeconds: 1,
	queue: { ...ONE_PER_KEY, heartbeatSeconds: 10, retryDelay: 1, retryDelayMax: 60 }
});

defineJob({
	name: 'provisioning.wake-drains',
	payload: z.object({}),
	run: () => wakeDrains(),
	schedule: { cron: '* * * * *', payload: {} },
	queue: { policy: 'short', retryLimit: 0 }
});

/**
 * Lets every drain look again: what waits for room or for a node says nothing when it is free, and what has come since is
 * planned, also while it is paused or waits for its time. One that
 * looks by itself before this would next is left alone.
 */
export async function wakeDrains(): Promise<void> {
	const due = await db.$queryRaw<{ id: string }[]>`
		SELECT id FROM node_drains drain
		WHERE status IN ('running', 'paused') AND NOT EXISTS (
				SELECT 1 FROM pgboss.job
				WHERE name = 'provisioning.drain' AND singleton_key = drain.id::text AND state < 'active'
					AND start_after <= now() + interval '1 minute'
			)`;
	for (const { id } of due) await transaction((tx) => wakeDrain(tx, id));
}
