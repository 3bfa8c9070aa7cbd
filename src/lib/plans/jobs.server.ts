import { z } from 'zod';
import type { Tx } from '#lib/core/db.server.ts';
import { defineJob, enqueue } from '#lib/core/queue.server.ts';
import { syncStripe } from './plans.server.ts';

declare module '#lib/core/queue.server.ts' {
	interface JobMap {
		'plans.sync-stripe': Record<string, never>;
	}
}

defineJob({
	name: 'plans.sync-stripe',
	payload: z.object({}),
	run: () => syncStripe(),
	// Once a day besides the start: somebody may archive a price at Stripe.
	schedule: { cron: '17 4 * * *', payload: {} },
	queue: { policy: 'short', retryLimit: 10 }
});

/** For the start of a worker: one waiting job is enough, however many start. */
export async function requestSync(tx: Tx): Promise<void> {
	await enqueue(tx, 'plans.sync-stripe', {});
}
