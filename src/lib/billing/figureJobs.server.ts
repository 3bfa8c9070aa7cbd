import { z } from 'zod';
import { now } from '#lib/core/clock.server.ts';
import { defineJob } from '#lib/core/queue.server.ts';
import { setting } from '#lib/settings/settings.server.ts';
import { closeMonths } from './figureMonths.server.ts';

declare module '#lib/core/queue.server.ts' {
	interface JobMap {
		'billing.close-months': Record<string, never>;
	}
}

defineJob({
	name: 'billing.close-months',
	payload: z.object({}),
	run: async () => {
		await closeMonths(now(), await setting('general.timezone'));
	},
	// Not only at the turn of a month: what is written late opens a month again.
	schedule: { cron: '7,37 * * * *', payload: {} },
	queue: { policy: 'short', retryLimit: 2, heartbeatSeconds: 60 }
});
