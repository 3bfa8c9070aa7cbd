import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { MINUTE, SECOND } from '#lib/core/clock.server.ts';
import { defineJob } from '#lib/core/queue.server.ts';
import { sealAudit } from './audit.server.ts';
import { purgeCalls } from './budget.server.ts';
import { closeOldCalls } from './calls.server.ts';

declare module '#lib/core/queue.server.ts' {
	interface JobMap {
		'logs.seal-audit': Record<string, never>;
		'logs.close-calls': Record<string, never>;
		'logs.purge-provider-uses': Record<string, never>;
	}
}

defineJob({
	name: 'logs.seal-audit',
	payload: z.record(z.string(), z.never()),
	schedule: { cron: '* * * * *', payload: {} },
	// One at a time; a second scheduled run while one works has nothing to do.
	queue: { policy: 'exclusive', retryLimit: 0, expireInSeconds: 120 },
	run: async (_payload, { signal }) => {
		// Cron knows minutes; the chain should lag by seconds.
		const end = Date.now() + MINUTE - 5 * SECOND;
		do {
			await sealAudit();
			await sleep(5 * SECOND, undefined, { signal }).catch(() => undefined);
		} while (!signal.aborted && Date.now() < end);
	}
});

defineJob({
	name: 'logs.close-calls',
	payload: z.object({}),
	run: () => closeOldCalls(),
	schedule: { cron: '*/30 * * * *', payload: {} },
	queue: { policy: 'short', retryLimit: 0 }
});

defineJob({
	name: 'logs.purge-provider-uses',
	payload: z.object({}),
	run: () => purgeCalls(),
	schedule: { cron: '17 * * * *', payload: {} },
	queue: { policy: 'short', retryLimit: 0 }
});
