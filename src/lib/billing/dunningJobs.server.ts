import { z } from 'zod';
import { defineJob } from '#lib/core/queue.server.ts';
import { tellExpiring } from './dunningExpiry.server.ts';
import { workCase, workDunning } from './dunningWork.server.ts';

declare module '#lib/core/queue.server.ts' {
	interface JobMap {
		'billing.dunning': Record<string, never>;
		'billing.dunning-case': { caseId: string };
		'billing.card-expiry': Record<string, never>;
	}
}

defineJob({
	name: 'billing.dunning',
	payload: z.object({}),
	run: () => workDunning(),
	schedule: { cron: '* * * * *', payload: {} },
	queue: { policy: 'short', retryLimit: 0 }
});

defineJob({
	name: 'billing.dunning-case',
	payload: z.object({ caseId: z.uuid() }),
	run: ({ caseId }) => workCase(caseId),
	concurrency: 4,
	pollSeconds: 2,
	// The minute's look asks again for what did not work.
	queue: { policy: 'singleton', retryLimit: 3, heartbeatSeconds: 30 }
});

defineJob({
	name: 'billing.card-expiry',
	payload: z.object({}),
	run: () => tellExpiring(),
	schedule: { cron: '20 * * * *', payload: {} },
	queue: { policy: 'short', retryLimit: 1 }
});
