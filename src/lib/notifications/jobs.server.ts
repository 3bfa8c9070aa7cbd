import { z } from 'zod';
import { defineJob } from '#lib/core/queue.server.ts';
import { sendMail } from './sending.server.ts';

defineJob({
	name: 'notifications.send-mail',
	payload: z.object({ emailId: z.uuid() }),
	run: ({ emailId }) => sendMail(emailId),
	concurrency: 4,
	// A mail server that is away for a night loses no mail.
	queue: { retryLimit: 12, retryDelay: 2, retryBackoff: true, retryDelayMax: 3_600 }
});
