import { after, HOUR } from '#lib/core/clock.server.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { setting } from '../settings/settings.server.ts';

/** Who waits for room, who paid first first, each with the moment at which waiting ends in a refund. */
export async function waitingQueue(tx: Tx, take = 100) {
	const maxWait = (await setting('provisioning.max_wait_hours')) * HOUR;
	const tenants = await tx.tenant.findMany({
		where: { status: 'waiting_capacity' },
		orderBy: [{ queuedAt: 'asc' }, { id: 'asc' }],
		take,
		select: {
			id: true,
			slug: true,
			isolation: true,
			queuedAt: true,
			createdAt: true,
			plan: { select: { name: true } },
			customer: { select: { companyName: true } }
		}
	});
	return tenants.map(({ queuedAt, createdAt, ...tenant }) => {
		const since = queuedAt ?? createdAt;
		return { ...tenant, since, until: after(since, maxWait) };
	});
}

export type WaitingTenant = Awaited<ReturnType<typeof waitingQueue>>[number];
