import type { Tx } from '#lib/core/db.server.ts';
import type { Container, Isolation, Tenant } from '#prisma/generated/client.ts';
import type { TenantMoveRefusal } from './tenantMoveWords.ts';

/** An instance, as far as its move concerns. */
export type MovingTenant = Pick<
	Tenant,
	'id' | 'customerId' | 'containerId' | 'isolation' | 'status' | 'readOnlyAt'
>;

/** Where it is to go. */
export interface Destination {
	toIsolation: Isolation;
	clusterId?: string | null;
	nodeId?: string | null;
}

/** Whether the container stays where it is: both kinds have one of their own. */
export function isInPlace(tenant: Pick<MovingTenant, 'isolation'>, to: Destination): boolean {
	return (
		tenant.isolation !== to.toIsolation &&
		tenant.isolation !== 'shared' &&
		to.toIsolation !== 'shared' &&
		!to.clusterId &&
		!to.nodeId
	);
}

const LIVE = new Set(['active', 'degraded', 'suspended']);

/**
 * What speaks against moving an instance whatever room there is: what it is, where it is, and who is at it.
 * @param own the move itself and its run, which do not count
 */
export async function refusalsNow(
	tx: Tx,
	tenant: MovingTenant,
	to: Destination,
	own: { migrationId: string; jobId: string | null } | null = null
): Promise<TenantMoveRefusal[]> {
	const found: TenantMoveRefusal[] = [];
	const container = tenant.containerId
		? await tx.container.findUnique({
				where: { id: tenant.containerId },
				include: {
					node: { select: { status: true, haltedAt: true } },
					postgres: { select: { status: true } }
				}
			})
		: null;
	if (!container || !LIVE.has(tenant.status)) return ['state'];
	const isSame = tenant.isolation === to.toIsolation && !to.clusterId && !to.nodeId;
	// That it goes elsewhere within its kind of place was said when it was asked for.
	if (isSame && !own) found.push('same');
	if (container.adopted) found.push('adopted');
	// Two nodes for Odoo are none for a database that is on a third. Elsewhere placement says so.
	if (container.postgresContainerId && to.toIsolation === 'dedicated_ha' && isInPlace(tenant, to))
		found.push('postgres');
	const { node, postgres } = container;
	const isStill = container.status !== 'running' || (postgres && postgres.status !== 'running');
	if (node.status === 'offline' || node.haltedAt || isStill) found.push('offline');
	const open = await tx.tenantMigration.findFirst({
		where: {
			tenantId: tenant.id,
			status: { in: ['planned', 'running', 'confirming', 'failed'] },
			...(own && { id: { not: own.migrationId } })
		},
		select: { status: true }
	});
	if (open) found.push(open.status === 'confirming' ? 'kept' : 'moving');
	else if (await isBusy(tx, tenant, container, own)) found.push('busy');
	return found;
}

/** Whether a run, an act, a backup or the move of its container is at it. */
async function isBusy(
	tx: Tx,
	tenant: MovingTenant,
	container: Container,
	own: { jobId: string | null } | null
): Promise<boolean> {
	if (container.moveToNodeId !== null || container.retiring) return true;
	const run = await tx.provisioningJob.findFirst({
		where: {
			subjectId: tenant.id,
			status: { in: ['queued', 'running', 'waiting', 'compensating'] },
			...(own?.jobId && { id: { not: own.jobId } })
		},
		select: { id: true }
	});
	if (run) return true;
	const act = await tx.containerAct.findFirst({
		where: { containerId: container.id, status: { in: ['queued', 'running'] } },
		select: { id: true }
	});
	const moving = await tx.containerMove.findFirst({
		where: { containerId: container.id, status: { in: ['planned', 'running'] } },
		select: { id: true }
	});
	if (act || moving) return true;
	// One of its own may be the move's, which waits for it.
	const backup = await tx.backup.findFirst({
		where: {
			tenantId: tenant.id,
			status: 'running',
			...(own?.jobId && { OR: [{ jobId: null }, { jobId: { not: own.jobId } }] })
		},
		select: { id: true }
	});
	return backup !== null;
}
