import { z } from 'zod';
import { defineJob } from '#lib/core/queue.server.ts';
import { collectMetrics, pruneMetrics } from './metrics/metrics.server.ts';
import { checkNodes } from './nodes/nodes.server.ts';
import { sweepOrphans } from './containers/sweep.server.ts';

declare module '#lib/core/queue.server.ts' {
	interface JobMap {
		'infrastructure.check-nodes': Record<string, never>;
		'infrastructure.collect-metrics': Record<string, never>;
		'infrastructure.prune-metrics': Record<string, never>;
		'infrastructure.sweep': Record<string, never>;
	}
}

// One at a time; what one run misses the next one does.
const once = { policy: 'short', retryLimit: 0 } as const;

defineJob({
	name: 'infrastructure.check-nodes',
	payload: z.object({}),
	run: () => checkNodes(),
	schedule: { cron: '* * * * *', payload: {} },
	queue: once
});

defineJob({
	name: 'infrastructure.collect-metrics',
	payload: z.object({}),
	run: () => collectMetrics(),
	schedule: { cron: '* * * * *', payload: {} },
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
