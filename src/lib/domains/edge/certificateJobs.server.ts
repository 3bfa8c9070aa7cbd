import { z } from 'zod';
import { MINUTE, now } from '#lib/core/clock.server.ts';
import { db } from '#lib/core/db.server.ts';
import { defineJob, enqueue, ONE_PER_KEY } from '#lib/core/queue.server.ts';
import { tendCertificate } from './acme.server.ts';

declare module '#lib/core/queue.server.ts' {
	interface JobMap {
		'domains.certificates-due': Record<string, never>;
	}
}

/** So many certificates get their turn in a minute at most: Let's Encrypt takes 300 orders in three hours. */
const PER_MINUTE = 20;
/** An order that nobody has moved for so long lost its worker. */
const STALLED_MS = 3 * MINUTE;

defineJob({
	name: 'domains.certificate',
	payload: z.object({ domainId: z.uuid(), leads: z.boolean().optional() }),
	run: ({ domainId, leads }) => tendCertificate(domainId, leads),
	concurrency: 4,
	pollSeconds: 1,
	queue: { ...ONE_PER_KEY, heartbeatSeconds: 20, retryDelay: 5, retryDelayMax: 300 }
});

defineJob({
	name: 'domains.certificates-due',
	payload: z.object({}),
	run: giveTurns,
	schedule: { cron: '* * * * *', payload: {} },
	queue: { policy: 'short', retryLimit: 0 }
});

/** Certificates that are to be renewed or tried again, and orders that nobody works on any more; oldest first. */
export async function giveTurns(): Promise<number> {
	const stalled = new Date(Date.now() - STALLED_MS);
	const due = await db.edgeCertificate.findMany({
		where: {
			OR: [{ nextTryAt: { lte: now() } }, { orderUrl: { not: null }, updatedAt: { lt: stalled } }]
		},
		orderBy: { nextTryAt: { sort: 'asc', nulls: 'last' } },
		take: PER_MINUTE,
		select: { id: true, customDomainId: true }
	});
	const domains = await db.customDomain.findMany({
		where: {
			id: { in: due.map(({ customDomainId }) => customDomainId) },
			...{ driver: 'edge', verifiedAt: { not: null }, routedAt: { not: null } },
			status: { notIn: ['removed', 'inactive'] }
		},
		select: { id: true }
	});
	const served = new Set(domains.map(({ id }) => id));
	for (const { id, customDomainId } of due) {
		if (served.has(customDomainId))
			await enqueue(
				db,
				'domains.certificate',
				{ domainId: customDomainId },
				{ key: customDomainId }
			);
		// Whose name does not lead here now is asked for again when it does: see the driver.
		else await db.edgeCertificate.update({ where: { id }, data: { nextTryAt: null } });
	}
	await db.acmeChallenge.deleteMany({ where: { expiresAt: { lt: now() } } });
	return served.size;
}
