import { SagaStop } from '#lib/core/saga.server.ts';
import { db } from '#lib/core/db.server.ts';
import { applyLimits, holdGrowth } from '../../../infrastructure/containers/growth.server.ts';
import type { ContainerProgress } from '../../../infrastructure/containers/progress.ts';
import { removeHa } from '../../../infrastructure/ha/ha.server.ts';
import { reservePartner } from '../../../infrastructure/ha/partner.server.ts';
import { sizeOf } from './moveFits.server.ts';
import type { MovingRow } from './tenantMoveRow.server.ts';
import type { TenantMoveContext } from './tenantMoveState.ts';

/** Promises the container its plan's limits, and the room on a second node where it is to have one. */
export async function holdInPlace(context: TenantMoveContext, row: MovingRow): Promise<void> {
	const container = await db.container.findUniqueOrThrow({ where: { id: row.fromContainerId } });
	if (!context.state.limitsBefore) {
		const { cpuCores, ramMb, diskGb } = container;
		await context.save({ limitsBefore: { cpuCores, ramMb, diskGb } });
	}
	await context.write(async (tx) => {
		const plan = await tx.plan.findUniqueOrThrow({
			where: { id: row.planId ?? row.tenant.planId }
		});
		const growth = await holdGrowth(tx, container.id, sizeOf(plan));
		if (growth.reasons.some(({ code }) => code !== 'offline'))
			throw new SagaStop('no room for its limits', 'NO_CAPACITY');
		if (row.toIsolation === 'dedicated_ha') {
			const partner = await reservePartner(tx, container.id);
			if ('reasons' in partner) throw new SagaStop('no second node', 'NO_CAPACITY');
		}
		await tx.tenantMigration.update({
			where: { id: row.id },
			data: { toContainerId: container.id }
		});
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

/** Takes it all back: no second node that was not there before, and the limits of before. */
export async function giveBackInPlace(context: TenantMoveContext, row: MovingRow): Promise<void> {
	const { fromContainerId, toIsolation } = row;
	if (toIsolation === 'dedicated_ha') await removeHa(context, fromContainerId);
	const { limitsBefore } = context.state;
	if (!limitsBefore) return;
	await context.write((tx) => holdGrowth(tx, fromContainerId, limitsBefore));
	await applyLimits(fromContainerId, context.trace, context.signal);
}
