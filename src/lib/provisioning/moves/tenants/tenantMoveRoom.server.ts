import type { Tx } from '#lib/core/db.server.ts';
import {
	reserveContainer,
	type Explanation,
	type Place,
	type PlacementRules
} from '#lib/infrastructure/placement/placement.server.ts';
import type { TakenVmids } from '#lib/infrastructure/placement/rooms.server.ts';
import { wantedOf } from './moveFits.server.ts';
import { destinationOf, type MovingRow } from './tenantMoveRow.server.ts';

/**
 * Takes the room of a move, where it was asked to go, and notes it in its row, which is what holds it. What it holds already is answered again, and is
 * this run's own from here on.
 * @param by.jobId the run; before there is one, the move's own id
 * @returns why there is none; then nothing was taken
 */
export async function reserveForMove(
	tx: Tx,
	row: MovingRow,
	by: { jobId: string; rules: PlacementRules; taken: TakenVmids; promiseOnly?: boolean }
): Promise<Place | { noRoom: Explanation }> {
	const { tenant, toIsolation } = row;
	const from = await tx.container.findUniqueOrThrow({ where: { id: row.fromContainerId } });
	const plan = await tx.plan.findUniqueOrThrow({ where: { id: row.planId ?? tenant.planId } });
	const size = row.planId || toIsolation !== 'shared' ? plan : { ...plan, isolation: toIsolation };
	const wanted = wantedOf(from, { ...size, isolation: toIsolation }, destinationOf(row));
	const place = await reserveContainer(tx, {
		...wanted,
		...{ tenantId: tenant.id, jobId: by.jobId, rules: by.rules, taken: by.taken },
		hostname: `${tenant.slug}.${tenant.baseDomain.name}`,
		holds: row.toContainerId,
		promiseOnly: by.promiseOnly
	});
	if ('noRoom' in place) return place;
	await tx.tenantMigration.update({
		where: { id: row.id },
		data: { toContainerId: place.containerId }
	});
	return place;
}

/** What was promised before there was a run is the run's own from here on. */
export async function handOver(tx: Tx, row: MovingRow, jobId: string): Promise<void> {
	await tx.container.updateMany({
		where: { id: row.toContainerId ?? undefined, createdByJobId: row.id },
		data: { createdByJobId: jobId }
	});
}
