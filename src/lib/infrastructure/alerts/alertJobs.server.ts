import { z } from 'zod';
import { defineJob } from '#lib/core/queue.server.ts';
import { readNodeCertificates } from './certificates.server.ts';

declare module '#lib/core/queue.server.ts' {
	interface JobMap {
		'infrastructure.read-certificates': Record<string, never>;
	}
}

defineJob({
	name: 'infrastructure.read-certificates',
	payload: z.object({}),
	run: () => readNodeCertificates(),
	schedule: { cron: '7 * * * *', payload: {} },
	queue: { policy: 'short', retryLimit: 0 }
});
