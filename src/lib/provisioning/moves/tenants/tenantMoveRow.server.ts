import { placesOf } from '#lib/infrastructure/containers/odooClient.server.ts';
import { db, type Tx } from '#lib/core/db.server.ts';
import type { Prisma, TenantMigration } from '#prisma/generated/client.ts';
import type { Destination } from './tenantMoveRules.server.ts';
import type { TenantMoveContext } from './tenantMoveState.ts';

const include = {
	tenant: {
		include: { baseDomain: true, customer: true, container: { include: { node: true } } }
	}
} satisfies Prisma.TenantMigrationInclude;
export type MovingRow = Prisma.TenantMigrationGetPayload<{ include: typeof include }>;

export function rowOf(context: Pick<TenantMoveContext, 'state'>): Promise<MovingRow> {
	return rowIn(db, context.state.migrationId);
}

export function rowIn(tx: Tx, id: string): Promise<MovingRow> {
	return tx.tenantMigration.findUniqueOrThrow({ where: { id }, include });
}

/**
 * Whether an instance lives in the new place already: from that transaction on nothing is taken back.
 * In place the kind of place is what changes, elsewhere the container.
 */
export function isSwitched({
	toContainerId,
	fromContainerId,
	toIsolation,
	tenant
}: MovingRow): boolean {
	return toContainerId === fromContainerId
		? tenant.isolation === toIsolation
		: toContainerId !== null && tenant.containerId === toContainerId;
}

/** Where it was asked to go, however often it is tried. */
export function destinationOf(
	row: Pick<TenantMigration, 'toIsolation' | 'askedClusterId' | 'askedNodeId'>
): Destination {
	const { toIsolation, askedClusterId, askedNodeId } = row;
	return { toIsolation, clusterId: askedClusterId, nodeId: askedNodeId };
}

/** Whether both containers have their databases in the same PostgreSQL, under different roles. */
export async function isOneServer({ fromContainerId, toContainerId }: MovingRow): Promise<boolean> {
	const [from, to] = [await placesOf(fromContainerId), await placesOf(toContainerId!)];
	return from.databases.vmid === to.databases.vmid && from.databases.nodeId === to.databases.nodeId;
}
