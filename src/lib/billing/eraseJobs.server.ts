import { z } from 'zod';
import { defineJob } from '#lib/core/queue.server.ts';
import { eraseEvents } from './eraseEvents.server.ts';

defineJob({
	name: 'billing.erase-events',
	payload: z.object({ customerId: z.uuid() }),
	run: ({ customerId }) => eraseEvents(customerId)
});
