import type { Tx } from '#lib/core/db.server.ts';
import type { Candidate } from '#lib/infrastructure/placement/placement.ts';
import { candidates } from '#lib/infrastructure/placement/world.server.ts';
import { heldAhead } from '#lib/infrastructure/pools/yieldRoom.server.ts';
import { GONE_TENANTS } from '#lib/infrastructure/placement/slots.server.ts';
import type { Prisma } from '#prisma/generated/client.ts';
import { expectedTime } from '../containers/expectedTime.server.ts';
import { planDrain, stayReason, type Drainable, type DrainPlan } from './drainPlan.ts';

const select = {
	...{ id: true, vmid: true, hostname: true, clusterId: true, nodeId: true, purpose: true },
	...{ status: true, adopted: true, retiring: true, warmPlanId: true, moveToNodeId: true },
	...{ haNodeId: true, storage: true, cpuCores: true, ramMb: true, diskGb: true },
	tenants: {
		where: { status: { notIn: [...GONE_TENANTS] } },
		select: { id: true, slug: true, customer: { select: { companyName: true } } },
		orderBy: { slug: 'asc' }
	}
} satisfies Prisma.ContainerSelect;

/** What lives on a node, as a drain sees it. @param drainId moves of this drain that have not begun are no moves yet */
export async function drainablesOf(
	tx: Tx,
	where: { nodeId: string } | { id: string },
	drainId: string | null = null
): Promise<Drainable[]> {
	const rows = await tx.container.findMany({
		where: { ...where, status: { not: 'deleted' } },
		select,
		orderBy: { vmid: 'asc' }
	});
	const open = await tx.containerMove.findMany({
		where: {
			containerId: { in: rows.map(({ id }) => id) },
			OR: [
				{ status: 'running' },
				{ status: 'planned', ...(drainId && { OR: [{ drainId: null }, { NOT: { drainId } }] }) }
			]
		},
		select: { containerId: true }
	});
	const away = await tx.tenantMigration.findMany({
		where: {
			tenantId: { in: rows.flatMap(({ tenants }) => tenants.map(({ id }) => id)) },
			status: { in: ['planned', 'running', 'confirming'] }
		},
		select: { tenantId: true }
	});
	const held = new Set(away.map(({ tenantId }) => tenantId));
	const expected = await expectedTime(tx);
	const moving = new Set(open.map(({ containerId }) => containerId));
	return rows.map(({ id, tenants, warmPlanId, moveToNodeId, storage, ...row }) => ({
		...row,
		containerId: id,
		warm: warmPlanId !== null,
		moving: moveToNodeId !== null || moving.has(id),
		held: tenants.some((tenant) => held.has(tenant.id)),
		ownStorage: storage !== null,
		expectedMs: expected(row),
		tenants: tenants.map(({ customer, ...tenant }) => ({
			...tenant,
			company: customer.companyName
		}))
	}));
}

/** Every node as placement sees it, those that are being emptied in maintenance. */
export function nodesNow(tx: Tx): Promise<Candidate[]> {
	return candidates(tx, new Map());
}

/** Where everything on a node would go now; takes nothing. */
export async function drainPlanOf(tx: Tx, nodeId: string): Promise<DrainPlan> {
	return planDrain(await drainablesOf(tx, { nodeId }), await nodesNow(tx), await heldAhead(tx));
}

/** What stays on a node whatever becomes of its drain, and why, by VMID. */
export async function staysOf(tx: Tx, nodeId: string): Promise<DrainPlan['stays']> {
	const here = await drainablesOf(tx, { nodeId });
	return here.flatMap((container) => {
		const reason = container.moving ? null : stayReason(container);
		return reason ? [{ container, reason }] : [];
	});
}
