import { z } from 'zod';
import { defineJob } from '#lib/core/queue.server.ts';
import { evaluateAlerts } from './alerts/evaluate.server.ts';
import { deliverWebhook, pruneDeliveries, TRIES } from './webhooks/deliver.server.ts';

declare module '#lib/core/queue.server.ts' {
	interface JobMap {
		'notifications.prune-deliveries': Record<string, never>;
	}
}

defineJob({
	name: 'notifications.send-mail',
	payload: z.object({ emailId: z.uuid() }),
	// Loaded by who sends: it renders Svelte, and a script of the command line that only queues a mail cannot.
	run: async ({ emailId }) => (await import('./sending.server.ts')).sendMail(emailId),
	concurrency: 4,
	// A mail server that is away for a night loses no mail.
	queue: { retryLimit: 12, retryDelay: 2, retryBackoff: true, retryDelayMax: 3_600 }
});

defineJob({
	name: 'notifications.evaluate-alerts',
	payload: z.object({}),
	run: () => evaluateAlerts(),
	schedule: { cron: '* * * * *', payload: {} },
	// One at a time; what one run misses the next one does.
	queue: { policy: 'short', retryLimit: 0 }
});

defineJob({
	name: 'notifications.deliver-webhook',
	payload: z.object({ deliveryId: z.uuid() }),
	run: ({ deliveryId }) => deliverWebhook(deliveryId),
	concurrency: 4,
	// The delivery counts its tries itself; a worker that dies costs one of these besides.
	queue: { retryLimit: TRIES + 5, retryDelay: 5, retryBackoff: true, retryDelayMax: 3_600 }
});

defineJob({
	name: 'notifications.prune-deliveries',
	payload: z.object({}),
	run: () => pruneDeliveries(),
	schedule: { cron: '41 3 * * *', payload: {} },
	queue: { policy: 'short', retryLimit: 0 }
});
