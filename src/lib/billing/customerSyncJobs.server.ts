import { z } from 'zod';
import { defineJob } from '#lib/core/queue.server.ts';
import { useCard } from './cards.server.ts';
import { pushCustomer } from './customerSync.server.ts';
import { takeOverCustomer } from './customerTakeOver.server.ts';

declare module '#lib/core/queue.server.ts' {
	interface JobMap {
		/** Somebody paid on Stripe's page, and typed there who they are. */
		'billing.take-over-customer': { customerId: string };
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
	name: 'billing.take-over-customer',
	payload: z.object({ customerId: z.uuid() }),
	run: ({ customerId }) => takeOverCustomer(customerId),
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
