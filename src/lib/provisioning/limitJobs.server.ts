import { z } from 'zod';
import { defineJob, ONE_PER_KEY } from '#lib/core/queue.server.ts';
import { applyPlan, sweepPlans, tellLongWait } from './applyPlan.server.ts';
import { enforceLimits } from './limitActs.server.ts';
import { measureAll, measureContainer } from './measure.server.ts';
import { convergeReadOnly, sweepReadOnly } from './readOnly.server.ts';

declare module '#lib/core/queue.server.ts' {
	interface JobMap {
		'provisioning.apply-plan': { tenantId: string };
		'provisioning.plan-waits': { tenantId: string; planId: string };
		'provisioning.read-only': { tenantId: string };
		'provisioning.check-limits': { customerId: string };
		'provisioning.measure-usage': Record<string, never>;
		'provisioning.measure-container': { containerId: string };
	}
}

// A node may be away for hours: the longest wait is five minutes.
const UNTIL_DONE = { ...ONE_PER_KEY, retryDelay: 2, retryDelayMax: 300, heartbeatSeconds: 30 };

defineJob({
	name: 'provisioning.apply-plan',
	payload: z.object({ tenantId: z.uuid() }),
	run: ({ tenantId }, { signal }) => applyPlan(tenantId, signal),
	concurrency: 4,
	queue: UNTIL_DONE
});

defineJob({
	name: 'provisioning.plan-waits',
	payload: z.object({ tenantId: z.uuid(), planId: z.uuid() }),
	run: ({ tenantId, planId }) => tellLongWait(tenantId, planId),
	// Each try that finds no room asks for it: the first one's counts.
	queue: { policy: 'short' }
});

defineJob({
	name: 'provisioning.read-only',
	payload: z.object({ tenantId: z.uuid() }),
	run: ({ tenantId }) => convergeReadOnly(tenantId),
	concurrency: 4,
	queue: UNTIL_DONE
});

defineJob({
	name: 'provisioning.check-limits',
	payload: z.object({ customerId: z.uuid() }),
	run: ({ customerId }) => enforceLimits(customerId),
	concurrency: 4
});

defineJob({
	name: 'provisioning.measure-usage',
	payload: z.object({}),
	run: async () => {
		await measureAll();
		await sweepReadOnly();
		await sweepPlans();
	},
	schedule: { cron: '23 * * * *', payload: {} },
	queue: { policy: 'short', retryLimit: 1 }
});

defineJob({
	name: 'provisioning.measure-container',
	payload: z.object({ containerId: z.uuid() }),
	run: ({ containerId }) => measureContainer(containerId),
	concurrency: 4,
	// The next hour asks again: one that waits is enough.
	queue: { policy: 'short', retryLimit: 2, retryDelay: 30, heartbeatSeconds: 60 }
});
