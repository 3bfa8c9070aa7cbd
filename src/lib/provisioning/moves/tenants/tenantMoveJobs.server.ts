import { z } from 'zod';
import { after, HOUR, now } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { defineJob } from '#lib/core/queue.server.ts';
import { SYSTEM } from '../../../logs/audit.server.ts';
import { beginCleanup, stopKept } from './tenantMoveKept.server.ts';
import { rowIn } from './tenantMoveRow.server.ts';
import { cancelTenantMove } from './tenantMoves.server.ts';

declare module '#lib/core/queue.server.ts' {
	interface JobMap {
		'provisioning.sweep-moves': Record<string, never>;
	}
}

/** Room that nobody asked for is given back after this time. */
const HELD_FOR = HOUR;
/** At most so many of each in one round. */
const MOST = 100;

/** Ends what is kept once its time is over, stops what runs for nobody, and gives back what was held for nothing. */
export async function sweepMoves(): Promise<void> {
	const kept = await db.tenantMigration.findMany({
		where: { status: 'confirming', containerMoveId: null },
		orderBy: { keepUntil: 'asc' },
		take: MOST,
		select: { id: true, keepUntil: true, confirmedAt: true, error: true }
	});
	for (const { id, keepUntil, confirmedAt, error } of kept)
		await transaction(async (tx) => {
			const row = await rowIn(tx, id);
			const isOver = confirmedAt !== null || (keepUntil !== null && keepUntil <= now());
			// What failed waits for staff.
			if (isOver && !error) await beginCleanup(tx, row);
			else if (!isOver) await stopKept(tx, row);
		});
	const held = await db.tenantMigration.findMany({
		where: {
			...{ status: 'planned', jobId: null, containerMoveId: null, planId: { not: null } },
			createdAt: { lt: after(now(), -HELD_FOR) }
		},
		take: MOST,
		include: {
			tenant: { select: { subscriptionId: true, subscription: { select: { planId: true } } } }
		}
	});
	for (const { id, planId, tenant } of held)
		if (tenant.subscription?.planId !== planId && !(await isBeingPaid(tenant, planId)))
			await transaction((tx) => cancelTenantMove(tx, id, SYSTEM));
}

/** Whether a change to a plan is on its way: a bank may have a day to ask its customer. */
async function isBeingPaid(
	{ subscriptionId }: { subscriptionId: string | null },
	planId: string | null
): Promise<boolean> {
	if (!subscriptionId || !planId) return false;
	const change = await db.subscriptionChange.findFirst({
		where: {
			...{ subscriptionId, toPlanId: planId },
			status: { in: ['ordered', 'waiting_payment'] }
		},
		select: { id: true }
	});
	return change !== null;
}

defineJob({
	name: 'provisioning.sweep-moves',
	payload: z.object({}),
	run: () => sweepMoves(),
	schedule: { cron: '*/5 * * * *', payload: {} },
	queue: { policy: 'short', retryLimit: 0 }
});
