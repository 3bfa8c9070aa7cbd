import { z } from 'zod';
import { SagaStop } from '#lib/core/saga.server.ts';
import { db, type Tx } from '#lib/core/db.server.ts';
import {
	actualDisk,
	applyLimits,
	holdGrowth,
	releaseGrowth
} from '#lib/infrastructure/containers/growth.server.ts';
import type { ContainerProgress } from '#lib/infrastructure/containers/progress.ts';
import { removeHa } from '#lib/infrastructure/ha/ha.server.ts';
import { releasePartner, reservePartner } from '#lib/infrastructure/ha/partner.server.ts';
import type { Resources } from '#lib/infrastructure/placement/placement.ts';
import { sizeOf } from './moveFits.server.ts';
import type { MovingRow } from './tenantMoveRow.server.ts';
import type { TenantMoveContext } from './tenantMoveState.ts';

const limits = z.object({ cpuCores: z.number(), ramMb: z.number(), diskGb: z.number() });

/** `coming`: what was made ahead for others goes, and there is room in a moment; not all of it is held yet. */
type HeldInPlace = 'held' | 'coming' | 'no_room';

/**
 * Promises the container its plan's limits, and the room on a second node where it is to have one. What it holds already is
 * held again.
 * @param begun its limits are changed next; until then it keeps what it has besides
 * @returns `no_room`: the caller must take its transaction back
 */
export async function holdInPlace(tx: Tx, row: MovingRow, begun: boolean): Promise<HeldInPlace> {
	const { id, fromContainerId, toIsolation, tenant } = row;
	const container = await tx.container.findUniqueOrThrow({ where: { id: fromContainerId } });
	const plan = await tx.plan.findUniqueOrThrow({ where: { id: row.planId ?? tenant.planId } });
	const wanted = sizeOf(plan);
	const both = {
		cpuCores: Math.max(container.cpuCores, wanted.cpuCores),
		ramMb: Math.max(container.ramMb, wanted.ramMb),
		diskGb: Math.max(container.diskGb, wanted.diskGb)
	};
	const growth = await holdGrowth(tx, container.id, begun ? wanted : both);
	if (growth.reasons.some(({ code }) => code !== 'offline' && code !== 'coming')) return 'no_room';
	if (growth.yields) return 'coming';
	const partner = toIsolation === 'dedicated_ha' ? await reservePartner(tx, container.id) : null;
	const isComing = partner !== null && 'reasons' in partner;
	if (isComing && !partner.yields) return 'no_room';
	await tx.tenantMigration.update({
		where: { id },
		data: {
			toContainerId: container.id,
			...(row.limitsBefore === null && { limitsBefore: limits.parse(container) })
		}
	});
	return isComing ? 'coming' : 'held';
}

/** The same for a run. @returns whether all of it is held @throws {SagaStop} NO_CAPACITY */
export async function placeInPlace(context: TenantMoveContext, row: MovingRow): Promise<boolean> {
	return context.write(async (tx) => {
		const held = await holdInPlace(tx, row, true);
		if (held === 'no_room')
			throw new SagaStop('no room for its limits, or no second node', 'NO_CAPACITY');
		return held === 'held';
	});
}

/** Makes the container what was promised. What takes high availability away comes after the switch. */
export async function changeInPlace(
	context: TenantMoveContext,
	row: MovingRow
): Promise<ContainerProgress> {
	await applyLimits(row.fromContainerId, context.trace, context.signal);
	const { vmid, ipAddress, nodeId, node } = await db.container.findUniqueOrThrow({
		where: { id: row.fromContainerId },
		include: { node: { select: { name: true } } }
	});
	return { ready: true, nodeId, node: node.name, vmid, ip: ipAddress ?? '' };
}

/** Gives back what was promised and never asked of Proxmox. */
export async function letGoInPlace(tx: Tx, row: MovingRow): Promise<void> {
	const before = limitsBefore(row);
	if (!before) return;
	await releaseGrowth(tx, row.fromContainerId, before);
	if (row.toIsolation === 'dedicated_ha') await releasePartner(tx, row.fromContainerId);
}

/** Takes it all back: no second node that was not there before, and the limits of before; a disk that has grown stays. */
export async function giveBackInPlace(context: TenantMoveContext, row: MovingRow): Promise<void> {
	const { fromContainerId, toIsolation } = row;
	const before = limitsBefore(row);
	if (!before) return;
	if (context.state.containerAskedAt === undefined) {
		await context.write((tx) => letGoInPlace(tx, row));
		return;
	}
	if (toIsolation === 'dedicated_ha') await removeHa(context, fromContainerId);
	const diskGb = Math.max(before.diskGb, await actualDisk(fromContainerId, context.trace));
	await context.write((tx) => releaseGrowth(tx, fromContainerId, { ...before, diskGb }));
	await applyLimits(fromContainerId, context.trace, context.signal);
}

function limitsBefore(row: MovingRow): Resources | null {
	return row.limitsBefore === null ? null : limits.parse(row.limitsBefore);
}
