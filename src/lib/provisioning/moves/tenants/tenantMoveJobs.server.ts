import { z } from 'zod';
import { after, HOUR, now } from '#lib/core/clock.server.ts';
import { db, transaction, type Tx } from '#lib/core/db.server.ts';
import { log } from '#lib/core/log.server.ts';
import { defineJob } from '#lib/core/queue.server.ts';
import { SYSTEM } from '#lib/logs/audit.server.ts';
import { isBeingPaid } from './heldForPayment.server.ts';
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

/**
 * Ends what is kept once its time is over, stops what runs for nobody, and gives back what was held for nothing. What goes
 * wrong with one keeps nobody from the others; the next round tries it again.
 */
export async function sweepMoves(): Promise<void> {
	const kept = await db.tenantMigration.findMany({
		where: { status: 'confirming', containerMoveId: null },
		orderBy: { keepUntil: 'asc' },
		take: MOST,
		select: { id: true, keepUntil: true, confirmedAt: true, error: true }
	});
	for (const { id, keepUntil, confirmedAt, error } of kept)
		await alone(id, async (tx) => {
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
		orderBy: { createdAt: 'asc' },
		take: MOST,
		include: { tenant: { select: { subscriptionId: true } } }
	});
	for (const { id, planId, tenant } of held)
		await alone(id, async (tx) => {
			if (!(await isBeingPaid(tx, tenant, planId))) await cancelTenantMove(tx, id, SYSTEM);
		});
}

async function alone(id: string, work: (tx: Tx) => Promise<unknown>): Promise<void> {
	try {
		await transaction(work);
	} catch (error) {
		log.error({ err: error, migration: id }, 'a kept or held move could not be ended');
	}
}

defineJob({
	name: 'provisioning.sweep-moves',
	payload: z.object({}),
	run: () => sweepMoves(),
	schedule: { cron: '*/5 * * * *', payload: {} },
	queue: { policy: 'short', retryLimit: 0 }
});
