import type { Tx } from '#lib/core/db.server.ts';
import type { Tenant } from '#prisma/generated/client.ts';

/**
 * Whether an instance is being moved now: its container to another node, or itself by its database. One whose time has not
 * come is not.
 */
export async function isOnItsWay(
	tx: Tx,
	{ id, status, containerId }: Pick<Tenant, 'id' | 'status' | 'containerId'>
): Promise<boolean> {
	if (status === 'migrating') return true;
	const container = containerId
		? await tx.container.findUnique({
				where: { id: containerId },
				select: { moveToNodeId: true }
			})
		: null;
	if (container?.moveToNodeId) return true;
	// What failed after its switch is not over: staff go on with it.
	const move = await tx.tenantMigration.findFirst({
		where: {
			...{ tenantId: id, containerMoveId: null, finishedAt: null },
			status: { in: ['running', 'failed'] }
		},
		select: { id: true }
	});
	return move !== null;
}
