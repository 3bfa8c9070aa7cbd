import { z } from 'zod';
import { defineJob, ONE_PER_KEY } from '#lib/core/queue.server.ts';
import './customerSyncJobs.server.ts';
import './reconcileJobs.server.ts';
import { catchUp } from './catchUp.server.ts';
import './couponJobs.server.ts';
import { settleChange } from './changeSettle.server.ts';
import './dunningJobs.server.ts';
import './eraseJobs.server.ts';
import { processEvent } from './events.server.ts';
import './figureJobs.server.ts';
import './invoiceJobs.server.ts';
import { refreshSubscription } from './refresh.server.ts';
import { runRefundOrder } from './refundChain.server.ts';
import { cancelAtStripe } from './subscriptions.server.ts';

declare module '#lib/core/queue.server.ts' {
	interface JobMap {
		'billing.process-event': { eventId: string };
		'billing.refresh-subscription': { stripeSubscriptionId: string };
		'billing.cancel-subscription': { stripeSubscriptionId: string; reason: string };
		'billing.refund-signup': { orderId: string };
		'billing.settle-change': { changeId: string };
		'billing.catch-up': Record<string, never>;

		// What billing tells those above it, who define the jobs.
		/** Something happened to a Checkout session. `failed`: the bank refused an asynchronous payment. */
		'provisioning.checkout-changed': { stripeSessionId: string; failed: boolean };
		/** Status or owed-ness of a subscription is another one. */
		'provisioning.subscription-changed': { subscriptionId: string };
		/** The plan or quantity of a tenant's subscription is another one. */
		'provisioning.apply-plan': { tenantId: string };
		/** Whether an instance's database takes writes is to be looked at: `setReadOnly` has said what is wanted. */
		'provisioning.read-only': { tenantId: string };
		/** The refund of a signup stands elsewhere; `refundId` is null when there was nothing to give back. */
		'provisioning.refund-changed': { signupId: string; refundId: string | null };
	}
}

// Until Stripe answers again: the longest wait is five minutes, and the periodic look begins anew after the last try.
const PATIENT = { retryLimit: 50, retryDelay: 1, retryDelayMax: 300 };

defineJob({
	name: 'billing.process-event',
	payload: z.object({ eventId: z.string() }),
	run: ({ eventId }) => processEvent(eventId),
	concurrency: 5,
	pollSeconds: 1,
	// An event that cannot be done would block its customer's others, so the handler gives up on it.
	queue: { ...ONE_PER_KEY, heartbeatSeconds: 30, retryDelayMax: 60 }
});

defineJob({
	name: 'billing.refresh-subscription',
	payload: z.object({ stripeSubscriptionId: z.string() }),
	run: ({ stripeSubscriptionId }) => refreshSubscription(stripeSubscriptionId),
	concurrency: 2,
	queue: { ...PATIENT, policy: 'singleton', heartbeatSeconds: 30 }
});

defineJob({
	name: 'billing.cancel-subscription',
	payload: z.object({ stripeSubscriptionId: z.string(), reason: z.string() }),
	run: ({ stripeSubscriptionId, reason }) => cancelAtStripe(stripeSubscriptionId, reason),
	queue: { ...PATIENT, policy: 'singleton', heartbeatSeconds: 30 }
});

defineJob({
	name: 'billing.settle-change',
	payload: z.object({ changeId: z.string() }),
	run: ({ changeId }) => settleChange(changeId),
	concurrency: 2,
	pollSeconds: 5,
	queue: { ...PATIENT, policy: 'singleton', heartbeatSeconds: 30 }
});

defineJob({
	name: 'billing.refund-signup',
	payload: z.object({ orderId: z.uuid() }),
	run: ({ orderId }) => runRefundOrder(orderId),
	concurrency: 2,
	pollSeconds: 1,
	queue: { ...PATIENT, policy: 'singleton', heartbeatSeconds: 30 }
});

defineJob({
	name: 'billing.catch-up',
	payload: z.object({}),
	run: () => catchUp(),
	schedule: { cron: '*/5 * * * *', payload: {} },
	queue: { policy: 'short', retryLimit: 2 }
});
