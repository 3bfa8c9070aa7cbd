import { z } from 'zod';
import { after, SECOND } from '#lib/core/clock.server.ts';
import { transaction } from '#lib/core/db.server.ts';
import { publish } from '#lib/core/live.server.ts';
import { defineJob, enqueue } from '#lib/core/queue.server.ts';
import { budgetOf } from '#lib/logs/budget.server.ts';
import { closeAlert, openAlert } from '../notifications/alerts.server.ts';
import { cloudflareAllowance } from '../settings/clients.server.ts';

declare module '#lib/core/queue.server.ts' {
	interface JobMap {
		/** Asked for by who was told to wait, at the end of the wait, and every minute in case that was lost. */
		'domains.provider-alert': { vendor: 'cloudflare' };
	}
}

/** The alert is open exactly while a vendor lets everybody wait. */
export async function alertOfPause(vendor: 'cloudflare'): Promise<void> {
	const { pause } = await budgetOf(vendor, await cloudflareAllowance());
	const subject = { subjectType: 'provider', subjectId: vendor };
	await transaction(async (tx) => {
		if (pause) {
			await openAlert(tx, {
				...{ rule: 'domains.provider-paused', ...subject },
				severity: 'warning',
				data: { vendor: 'Cloudflare', until: pause.until.toISOString() }
			});
			const startAfter = after(pause.until, SECOND);
			await enqueue(tx, 'domains.provider-alert', { vendor }, { startAfter, key: vendor });
		} else if (await closeAlert(tx, { rule: 'domains.provider-paused', ...subject })) {
			await publish(tx, 'staff:providers', vendor);
		}
	});
}

defineJob({
	name: 'domains.provider-alert',
	payload: z.object({ vendor: z.literal('cloudflare') }),
	run: ({ vendor }) => alertOfPause(vendor),
	schedule: { cron: '* * * * *', payload: { vendor: 'cloudflare' } },
	pollSeconds: 1,
	queue: { policy: 'short', retryLimit: 2 }
});
