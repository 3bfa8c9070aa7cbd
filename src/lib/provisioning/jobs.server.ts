import { z } from 'zod';
import { transaction } from '#lib/core/db.server.ts';
import { defineJob } from '#lib/core/queue.server.ts';
import { setAdminPassword } from './adminPassword.server.ts';
import { eraseSignups } from './eraseSignups.server.ts';
import './failedOver.server.ts';
import './followNode.server.ts';
import { probeAll } from './uptime/probe.server.ts';
import { checkoutChanged } from './payments.server.ts';
import { refundChanged } from './refunds.server.ts';
import { subscriptionChanged } from './subscriptionChanges.server.ts';
import { closeRequest } from './requests.server.ts';
import { sweepReservations } from './sweep.server.ts';
import { retryCleanup } from './cleanup.server.ts';
import { wakeWaiting } from './tenants.server.ts';

declare module '#lib/core/queue.server.ts' {
	interface JobMap {
		'provisioning.checkout-changed': { stripeSessionId: string; failed: boolean };
		'provisioning.subscription-changed': { subscriptionId: string };
		'provisioning.refund-changed': { signupId: string; refundId: string | null };
		'provisioning.sweep-reservations': Record<string, never>;
		'provisioning.close-request': { signupId: string };
		'provisioning.probe': Record<string, never>;
		'provisioning.cleanup': Record<string, never>;
		'provisioning.set-admin-password': { tenantId: string };
	}
}

defineJob({
	name: 'provisioning.checkout-changed',
	payload: z.object({ stripeSessionId: z.string(), failed: z.boolean() }),
	run: ({ stripeSessionId, failed }) => checkoutChanged(stripeSessionId, failed),
	concurrency: 10,
	pollSeconds: 1,
	queue: { retryLimit: 30 }
});

defineJob({
	name: 'provisioning.subscription-changed',
	payload: z.object({ subscriptionId: z.uuid() }),
	run: ({ subscriptionId }) => subscriptionChanged(subscriptionId),
	concurrency: 4,
	queue: { retryLimit: 30 }
});

defineJob({
	name: 'provisioning.refund-changed',
	payload: z.object({ signupId: z.uuid(), refundId: z.uuid().nullable() }),
	run: ({ signupId }) => refundChanged(signupId),
	concurrency: 4,
	queue: { retryLimit: 30 }
});

defineJob({
	name: 'provisioning.capacity-appeared',
	payload: z.object({}),
	run: () => transaction((tx) => wakeWaiting(tx))
});

defineJob({
	name: 'provisioning.sweep-reservations',
	payload: z.object({}),
	run: () => sweepReservations(),
	schedule: { cron: '*/5 * * * *', payload: {} },
	queue: { policy: 'short', retryLimit: 0 }
});

defineJob({
	name: 'provisioning.close-request',
	payload: z.object({ signupId: z.uuid() }),
	run: ({ signupId }) => closeRequest(signupId),
	concurrency: 2,
	// The sweep asks for it again and again: one that waits is enough.
	queue: { policy: 'short', retryLimit: 30, retryDelay: 1, retryDelayMax: 60 }
});

defineJob({
	name: 'provisioning.probe',
	payload: z.object({}),
	run: (_payload, { signal }) => probeAll(signal),
	schedule: { cron: '* * * * *', payload: {} },
	queue: { policy: 'short', retryLimit: 0 }
});

defineJob({
	name: 'provisioning.cleanup',
	payload: z.object({}),
	run: () => retryCleanup(),
	schedule: { cron: '*/5 * * * *', payload: {} },
	queue: { policy: 'short', retryLimit: 0 }
});

defineJob({
	name: 'provisioning.set-admin-password',
	payload: z.object({ tenantId: z.uuid() }),
	run: ({ tenantId }) => setAdminPassword(tenantId),
	concurrency: 2,
	queue: { retryLimit: 30 }
});

defineJob({
	name: 'provisioning.erase-signups',
	payload: z.object({ customerId: z.uuid() }),
	run: ({ customerId }) => transaction((tx) => eraseSignups(tx, customerId))
});
