import { z } from 'zod';
import type { Tx } from '#lib/core/db.server.ts';
import { defineJob, enqueue } from '#lib/core/queue.server.ts';
import { checkAllPlans, comparePlan, repairPlan } from './drift.server.ts';
import './planEdit.server.ts';
import { syncStripe } from './plans.server.ts';

declare module '#lib/core/queue.server.ts' {
	interface JobMap {
		'plans.sync-stripe': Record<string, never>;
		'plans.check-all': Record<string, never>;
	}
}

defineJob({
	name: 'plans.sync-stripe',
	payload: z.object({}),
	run: async () => {
		await syncStripe();
		await checkAllPlans();
	},
	// Once a day besides the start: somebody may archive a price at Stripe.
	schedule: { cron: '17 4 * * *', payload: {} },
	queue: { policy: 'short', retryLimit: 10 }
});

defineJob({
	name: 'plans.check-all',
	payload: z.object({}),
	run: () => checkAllPlans(),
	schedule: { cron: '11 * * * *', payload: {} },
	queue: { policy: 'short', retryLimit: 1 }
});

defineJob({
	name: 'plans.check-stripe',
	payload: z.object({ planId: z.uuid() }),
	run: ({ planId }) => comparePlan(planId),
	concurrency: 2,
	// The next hour asks again.
	queue: { policy: 'singleton', retryLimit: 3, retryDelay: 5 }
});

defineJob({
	name: 'plans.repair-stripe',
	payload: z.object({ planId: z.uuid() }),
	run: ({ planId }) => repairPlan(planId),
	concurrency: 2,
	// Until Stripe answers again.
	queue: { policy: 'singleton', retryLimit: 50, retryDelay: 1, retryDelayMax: 300 }
});

/** For the start of a worker: one waiting job is enough, however many start. */
export async function requestSync(tx: Tx): Promise<void> {
	await enqueue(tx, 'plans.sync-stripe', {});
}
