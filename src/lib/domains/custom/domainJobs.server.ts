import { z } from 'zod';
import { MINUTE, now } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { defineJob, enqueue, ONE_PER_KEY } from '#lib/core/queue.server.ts';
import { checkDomain, takeDown } from './checkDomain.server.ts';
import { eraseDomains } from './eraseDomains.server.ts';
import { lookAtHostnames } from './hostnameLook.server.ts';

declare module '#lib/core/queue.server.ts' {
	interface JobMap {
		'domains.check-due': Record<string, never>;
		'domains.look-at-hostnames': Record<string, never>;
	}
}

/** So many domains get their turn in a minute at most; the rest gets it in the next. */
const PER_MINUTE = 600;
/** A turn that nobody took, because its worker died, is given again after this. */
const CLAIM_MS = 10 * MINUTE;

defineJob({
	name: 'domains.check',
	payload: z.object({ domainId: z.uuid(), when: z.enum(['now', 'due', 'turn']) }),
	run: async ({ domainId, when }) => {
		const domain = await db.customDomain.findUnique({
			where: { id: domainId },
			select: { nextCheckAt: true, status: true, misses: true }
		});
		if (!domain) return;
		// Somebody else looked meanwhile, and the chain of looks goes on with that one.
		if (when === 'due' && (!domain.nextCheckAt || domain.nextCheckAt > now())) return;
		const calm = when === 'turn' && domain.status === 'active' && domain.misses === 0;
		await checkDomain(domainId, calm);
	},
	concurrency: 20,
	pollSeconds: 1,
	queue: { ...ONE_PER_KEY, heartbeatSeconds: 10, retryDelay: 2, retryDelayMax: 60 }
});

defineJob({
	name: 'domains.check-due',
	payload: z.object({}),
	run: giveTurns,
	schedule: { cron: '* * * * *', payload: {} },
	queue: { policy: 'short', retryLimit: 0 }
});

/** Every domain whose time has come gets a job of its own. */
export async function giveTurns(): Promise<number> {
	return transaction(async (tx) => {
		const until = new Date(now().getTime() + CLAIM_MS);
		const due = await tx.$queryRaw<{ id: string }[]>`
			UPDATE custom_domains SET next_check_at = ${until}
			WHERE id IN (
				SELECT id FROM custom_domains
				WHERE next_check_at <= ${now()} AND verification_status NOT IN ('removed', 'inactive')
				ORDER BY next_check_at LIMIT ${PER_MINUTE} FOR UPDATE SKIP LOCKED)
			RETURNING id`;
		for (const { id } of due)
			await enqueue(tx, 'domains.check', { domainId: id, when: 'turn' }, { key: id });
		return due.length;
	});
}

defineJob({
	name: 'domains.remove',
	payload: z.object({ domainId: z.uuid() }),
	run: ({ domainId }) => takeDown(domainId),
	concurrency: 4,
	queue: { ...ONE_PER_KEY, heartbeatSeconds: 10, retryDelay: 5, retryDelayMax: 300 }
});

defineJob({
	name: 'domains.look-at-hostnames',
	payload: z.object({}),
	run: lookAtHostnames,
	schedule: { cron: '17 */6 * * *', payload: {} },
	queue: { policy: 'short', retryLimit: 3 }
});

defineJob({
	name: 'domains.erase',
	payload: z.object({ customerId: z.uuid() }),
	run: ({ customerId }) => eraseDomains(customerId),
	queue: { retryLimit: 100, retryDelay: 10, retryDelayMax: 600 }
});
