import { z } from 'zod';
import { defineJob } from '#lib/core/queue.server.ts';
import { reconcile } from './reconcile.server.ts';

declare module '#lib/core/queue.server.ts' {
	interface JobMap {
		/** `by`: who asked; null for the clock. */
		'billing.reconcile': { by: string | null };
	}
}

defineJob({
	name: 'billing.reconcile',
	payload: z.object({ by: z.string().nullable() }),
	run: ({ by }) => reconcile(by),
	schedule: { cron: '23 * * * *', payload: { by: null } },
	queue: { policy: 'short', retryLimit: 1, heartbeatSeconds: 30, expireInSeconds: 3_000 }
});
