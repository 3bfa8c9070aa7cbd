import { z } from 'zod';
import { defineJob, ONE_PER_KEY } from '#lib/core/queue.server.ts';
import { destroyWarm } from './destroyWarm.server.ts';
import { keepPools } from './keepPools.server.ts';
import './poolNotice.server.ts';

defineJob({
	name: 'infrastructure.warm-pools',
	payload: z.object({}),
	run: () => keepPools(),
	schedule: { cron: '* * * * *', payload: {} },
	// One at a time; what one look misses the next one does.
	queue: { policy: 'short', retryLimit: 0 }
});

defineJob({
	name: 'infrastructure.destroy-warm',
	payload: z.object({ containerId: z.uuid() }),
	run: ({ containerId }, { signal }) => destroyWarm(containerId, signal),
	concurrency: 4,
	queue: ONE_PER_KEY
});
