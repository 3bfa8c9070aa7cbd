import { z } from 'zod';
import { defineJob } from '#lib/core/queue.server.ts';
import { eraseTraces } from './erasure.server.ts';
import { checkImport } from './importCheck.server.ts';
import { runImport } from './importRun.server.ts';

declare module '#lib/core/queue.server.ts' {
	interface JobMap {
		'customers.check-import': { importId: string };
		'customers.run-import': { importId: string };
		'customers.erase-traces': { customerId: string };

		// What customers tell those above them, who define the jobs.
		/** What Stripe has a copy of is another one. */
		'billing.push-customer': { customerId: string };
		/** What identifies people was erased: their own rows follow. */
		'billing.erase-events': { customerId: string };
		'provisioning.erase-signups': { customerId: string };
		/** Of domains, which knows what stands under their names. */
		'domains.erase': { customerId: string };
	}
}

// A worker that was killed leaves its job to the next one within seconds; what it had committed is not done again.
const RESUMED = {
	policy: 'singleton',
	retryLimit: 20,
	retryDelayMax: 30,
	heartbeatSeconds: 10
} as const;

defineJob({
	name: 'customers.check-import',
	payload: z.object({ importId: z.uuid() }),
	run: ({ importId }, { signal }) => checkImport(importId, signal),
	queue: RESUMED
});

defineJob({
	name: 'customers.run-import',
	payload: z.object({ importId: z.uuid() }),
	run: ({ importId }, { signal }) => runImport(importId, signal),
	queue: RESUMED
});

defineJob({
	name: 'customers.erase-traces',
	payload: z.object({ customerId: z.uuid() }),
	run: ({ customerId }) => eraseTraces(customerId)
});
