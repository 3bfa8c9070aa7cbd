import { z } from 'zod';
import { defineJob } from '#lib/core/queue.server.ts';
import { reconcileClusters } from './reconcile.server.ts';
import './repairs.server.ts';

defineJob({
	name: 'infrastructure.reconcile',
	payload: z.object({ by: z.string().nullable() }),
	run: ({ by }) => reconcileClusters(by),
	schedule: { cron: '*/10 * * * *', payload: { by: null } },
	queue: { policy: 'short', retryLimit: 1, heartbeatSeconds: 30 }
});
