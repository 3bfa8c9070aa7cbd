import { z } from 'zod';
import { defineJob } from '#lib/core/queue.server.ts';
import { watchClusters } from './metrics/metrics.server.ts';
import { pruneMetrics } from './metrics/partitions.server.ts';
import { rollUp } from './metrics/rollups.server.ts';
import { sweepOrphans } from './containers/sweep.server.ts';
import './containers/actJobs.server.ts';
import './containers/adoptedLook.server.ts';
import './drift/driftJobs.server.ts';
import './ha/haJobs.server.ts';
import { forgetOldEnrolments } from './nodes/enrolments.server.ts';
import './nodes/sshLook.server.ts';
import './pools/poolJobs.server.ts';
import './postgres/serverJobs.server.ts';

declare module '#lib/core/queue.server.ts' {
	interface JobMap {
		'infrastructure.check-nodes': Record<string, never>;
		'infrastructure.prune-metrics': Record<string, never>;
		'infrastructure.roll-up-metrics': Record<string, never>;
		'infrastructure.sweep': Record<string, never>;
		'infrastructure.forget-enrolments': Record<string, never>;
	}
}

// One at a time; what one run misses the next one does.
const once = { policy: 'short', retryLimit: 0 } as const;

defineJob({
	name: 'infrastructure.check-nodes',
	payload: z.object({}),
	run: () => watchClusters(),
	schedule: { cron: '* * * * *', payload: {} },
	queue: once
});

defineJob({
	name: 'infrastructure.roll-up-metrics',
	payload: z.object({}),
	run: async () => void (await rollUp()),
	schedule: { cron: '7 * * * *', payload: {} },
	queue: once
});

defineJob({
	name: 'infrastructure.prune-metrics',
	payload: z.object({}),
	run: () => pruneMetrics(),
	schedule: { cron: '17 3 * * *', payload: {} },
	queue: once
});

defineJob({
	name: 'infrastructure.sweep',
	payload: z.object({}),
	run: (_payload, { signal }) => sweepOrphans(signal),
	schedule: { cron: '*/5 * * * *', payload: {} },
	queue: once
});

defineJob({
	name: 'infrastructure.forget-enrolments',
	payload: z.object({}),
	run: () => forgetOldEnrolments(),
	schedule: { cron: '23 4 * * *', payload: {} },
	queue: once
});
