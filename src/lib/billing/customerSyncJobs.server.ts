import { z } from 'zod';
import { defineJob } from '#lib/core/queue.server.ts';
import { useCard } from './cards.server.ts';
import { pushCustomer } from './customerSync.server.ts';

declare module '#lib/core/queue.server.ts' {
	interface JobMap {
		/** Another card is the one that is charged. */
		'billing.use-card': { customerId: string; stripePaymentMethodId: string };
	}
}

const PATIENT = { retryLimit: 50, retryDelay: 1, retryDelayMax: 300 };

defineJob({
	name: 'billing.push-customer',
	payload: z.object({ customerId: z.uuid() }),
	run: ({ customerId }) => pushCustomer(customerId),
	queue: { ...PATIENT, policy: 'singleton', heartbeatSeconds: 30 }
});

defineJob({
	name: 'billing.use-card',
	payload: z.object({ customerId: z.uuid(), stripePaymentMethodId: z.string() }),
	run: ({ customerId, stripePaymentMethodId }) => useCard(customerId, stripePaymentMethodId),
	concurrency: 2,
	pollSeconds: 1,
	queue: { ...PATIENT, policy: 'singleton', heartbeatSeconds: 30 }
});
