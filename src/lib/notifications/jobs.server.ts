import { z } from 'zod';
import { defineJob } from '#lib/core/queue.server.ts';

defineJob({
	name: 'notifications.send-mail',
	payload: z.object({ emailId: z.uuid() }),
	// Loaded by who sends: it renders Svelte, and a script of the command line that only queues a mail cannot.
	run: async ({ emailId }) => (await import('./sending.server.ts')).sendMail(emailId),
	concurrency: 4,
	// A mail server that is away for a night loses no mail.
	queue: { retryLimit: 12, retryDelay: 2, retryBackoff: true, retryDelayMax: 3_600 }
});
