import { z } from 'zod';
import { after, MINUTE, now } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { defineJob, enqueue } from '#lib/core/queue.server.ts';
import { runInvoiceAct } from './invoiceActRun.server.ts';

declare module '#lib/core/queue.server.ts' {
	interface JobMap {
		'billing.run-invoice-act': { actId: string };
		'billing.finish-invoice-acts': Record<string, never>;
	}
}

defineJob({
	name: 'billing.run-invoice-act',
	payload: z.object({ actId: z.uuid() }),
	run: ({ actId }) => runInvoiceAct(actId),
	concurrency: 2,
	pollSeconds: 2,
	// Until Stripe answers again; the periodic look begins anew after the last try.
	queue: {
		policy: 'singleton',
		retryLimit: 50,
		retryDelay: 1,
		retryDelayMax: 300,
		heartbeatSeconds: 30
	}
});

defineJob({
	name: 'billing.finish-invoice-acts',
	payload: z.object({}),
	run: () => finishInvoiceActs(),
	schedule: { cron: '*/5 * * * *', payload: {} },
	queue: { policy: 'short', retryLimit: 2 }
});

/** Not so young that its page may still be at it. */
const OLD_ENOUGH = MINUTE;
const AT_ONCE = 500;

/** Takes up acts whose process died, whose job gave up, or whose money was still on its way. */
export async function finishInvoiceActs(): Promise<void> {
	const acts = await db.invoiceAct.findMany({
		where: {
			status: { in: ['ordered', 'pending'] },
			createdAt: { lt: after(now(), -OLD_ENOUGH) }
		},
		orderBy: { createdAt: 'asc' },
		take: AT_ONCE,
		select: { id: true }
	});
	for (const { id } of acts)
		await transaction((tx) => enqueue(tx, 'billing.run-invoice-act', { actId: id }, { key: id }));
}
