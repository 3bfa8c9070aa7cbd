import { z } from 'zod';
import { defineJob } from '#lib/core/queue.server.ts';
import { reapConsoles } from './consoleSessions.server.ts';

declare module '#lib/core/queue.server.ts' {
	interface JobMap {
		'infrastructure.reap-consoles': Record<string, never>;
	}
}

defineJob({
	name: 'infrastructure.reap-consoles',
	payload: z.object({}),
	run: () => reapConsoles(),
	schedule: { cron: '* * * * *', payload: {} },
	queue: { policy: 'short', retryLimit: 0 }
});
