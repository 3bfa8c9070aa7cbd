import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { SECOND } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { log } from '#lib/core/log.server.ts';
import { defineJob, enqueue, ONE_PER_KEY } from '#lib/core/queue.server.ts';
import { ensureHa } from './ha.server.ts';
import { watchHa } from './watch.server.ts';
import './haRepairs.server.ts';

defineJob({
	name: 'infrastructure.watch-ha',
	payload: z.object({}),
	run: () => watchHa(),
	schedule: { cron: '* * * * *', payload: {} },
	queue: { policy: 'short', retryLimit: 0 }
});

defineJob({
	name: 'infrastructure.ensure-ha',
	payload: z.object({ containerId: z.uuid(), again: z.boolean().optional() }),
	run: (payload, { signal }) => converge(payload, signal),
	concurrency: 4,
	queue: { ...ONE_PER_KEY, heartbeatSeconds: 30, retryDelayMax: 300 }
});

/** Outside a set-up: puts right what differs, and comes again while Proxmox works. */
async function converge(
	{ containerId, again = false }: { containerId: string; again?: boolean | undefined },
	signal: AbortSignal
): Promise<void> {
	const row = await db.container.findUnique({ where: { id: containerId } });
	const isGone = !row || row.status === 'deleted' || row.status === 'provisioning' || row.retiring;
	// Given up meanwhile, or being moved by a run that sees to it itself.
	if (isGone || row.haNodeId === null || row.moveToNodeId !== null) return;
	const progress = await ensureHa(
		{
			trace: { subjectId: containerId },
			signal,
			write: transaction,
			sleep: async (seconds) => void (await sleep(seconds * SECOND, undefined, { signal })),
			log: async (level, message, data) =>
				log[level === 'warning' ? 'warn' : level]({ containerId, ...data }, message)
		},
		containerId,
		{ again }
	);
	if (progress.ready) return;
	const startAfter = new Date(Date.now() + progress.wait * SECOND);
	await transaction((tx) =>
		enqueue(tx, 'infrastructure.ensure-ha', { containerId }, { key: containerId, startAfter })
	);
}
