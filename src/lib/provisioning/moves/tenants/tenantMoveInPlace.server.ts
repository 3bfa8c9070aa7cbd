import { SagaStop } from '#lib/core/saga.server.ts';
import { db, type Tx } from '#lib/core/db.server.ts';
import {
	applyLimits,
	holdGrowth,
	releaseGrowth,
	setLimits
} from '#lib/infrastructure/containers/growth.server.ts';
import type { ContainerProgress } from '#lib/infrastructure/containers/progress.ts';
import { removeHa } from '#lib/infrastructure/ha/ha.server.ts';
import { releasePartner, reservePartner } from '#lib/infrastructure/ha/partner.server.ts';
import type { Resources } from '#lib/infrastructure/placement/placement.ts';
import { sizeOf } from './moveFits.server.ts';
import type { MovingRow } from './tenantMoveRow.server.ts';
import { limits, type TenantMoveContext } from './tenantMoveState.ts';

/** `coming`: what was made ahead for others goes, and there is room in a moment; not all of it is held yet. */
type HeldInPlace = 'held' | 'coming' | 'no_room';

/**
 * Promises the container its plan's limits besides what it has, and the room on a second node where it is to have one. What
 * it holds already is held again.
 * @returns `no_room`: the caller must take its transaction back
 */
export async function holdInPlace(tx: Tx, row: MovingRow): Promise<HeldInPlace> {
	const { id, fromContainerId, toIsolation } = row;
	const container = await tx.container.findUniqueOrThrow({ where: { id: fromContainerId } });
	const growth = await holdGrowth(tx, container.id, await wantedBy(tx, row));
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

/** The limits of the plan that it is moved for, or has. */
async function wantedBy(tx: Tx, { planId, tenant }: MovingRow): Promise<Resources> {
	return sizeOf(await tx.plan.findUniqueOrThrow({ where: { id: planId ?? tenant.planId } }));
}

/** The same for a run. @returns whether all of it is held @throws {SagaStop} NO_CAPACITY */
export async function placeInPlace(context: TenantMoveContext, row: MovingRow): Promise<boolean> {
	return context.write(async (tx) => {
		const held = await holdInPlace(tx, row);
		if (held === 'no_room')
			throw new SagaStop('no room for its limits, or no second node', 'NO_CAPACITY');
		return held === 'held';
	});
}

/**
 * Makes the container what was promised. The room of what it had stays held until the switch, so that it can have that
 * again. What takes high availability away comes after the switch.
 */
export async function changeInPlace(
	context: TenantMoveContext,
	row: MovingRow
): Promise<ContainerProgress> {
	const { trace, signal } = context;
	const wanted = await wantedBy(db, row);
	await context.save({ limits: await setLimits(row.fromContainerId, wanted, trace, signal) });
	const { vmid, ipAddress, nodeId, node } = await db.container.findUniqueOrThrow({
		where: { id: row.fromContainerId },
		include: { node: { select: { name: true } } }
	});
	return { ready: true, nodeId, node: node.name, vmid, ip: ipAddress ?? '' };
}

/** With the switch the room of what it had is free. */
export async function settleInPlace(
	tx: Tx,
	row: MovingRow,
	state: TenantMoveContext['state']
): Promise<void> {
	if (state.limits) await releaseGrowth(tx, row.fromContainerId, state.limits);
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
	await applyLimits(fromContainerId, before, context.trace, context.signal);
}

function limitsBefore(row: MovingRow): Resources | null {
	return row.limitsBefore === null ? null : limits.parse(row.limitsBefore);
}
