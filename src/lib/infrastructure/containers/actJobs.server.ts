import { z } from 'zod';
import { db, transaction } from '#lib/core/db.server.ts';
import { defineJob, enqueue, ONE_PER_KEY } from '#lib/core/queue.server.ts';
import { ActLost } from './actRow.server.ts';
import { runAct } from './actRun.server.ts';

declare module '#lib/core/queue.server.ts' {
	interface JobMap {
		'infrastructure.act': { actId: string };
		'infrastructure.reap-acts': Record<string, never>;
	}
}

defineJob({
	name: 'infrastructure.act',
	payload: z.object({ actId: z.uuid() }),
	run: async ({ actId }, { signal }) => {
		try {
			await runAct(actId, signal);
		} catch (error) {
			// Whoever has it now, or ended it, does not need this worker.
			if (!(error instanceof ActLost)) throw error;
		}
	},
	// Most of the time it waits for tasks of Proxmox.
	concurrency: 10,
	pollSeconds: 1,
	queue: { ...ONE_PER_KEY, heartbeatSeconds: 10, retryDelay: 1, retryDelayMax: 60 }
});

defineJob({
	name: 'infrastructure.reap-acts',
	payload: z.object({}),
	run: () => reapActs(),
	schedule: { cron: '* * * * *', payload: {} },
	queue: { policy: 'short', retryLimit: 0 }
});

/** Queues every unfinished act that no live job will take up. */
export async function reapActs(): Promise<void> {
	const orphans = await db.$queryRaw<{ id: string; containerId: string }[]>`
		SELECT act.id, act.container_id AS "containerId" FROM container_acts act
		WHERE act.status IN ('queued', 'running')
			AND NOT EXISTS (
				SELECT 1 FROM pgboss.job
				WHERE name = 'infrastructure.act' AND singleton_key = act.container_id::text AND state < 'completed'
			)`;
	for (const { id, containerId } of orphans)
		await transaction((tx) =>
			enqueue(tx, 'infrastructure.act', { actId: id }, { key: containerId })
		);
}
