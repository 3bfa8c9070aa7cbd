import type { Tx } from '#lib/core/db.server.ts';
import { aNode, createUnplacedTenant } from './infrastructure.ts';

/** A container's move that has not begun: of the template of a cluster of its own. */
export async function aMove(tx: Tx): Promise<{ id: string }> {
	const { id: fromNodeId } = await aNode(tx);
	const { id: containerId } = await tx.container.findFirstOrThrow({
		where: { nodeId: fromNodeId },
		select: { id: true }
	});
	return tx.containerMove.create({
		data: { containerId, fromNodeId, byLabel: 'tests' },
		select: { id: true }
	});
}

/** A drain of a node of a cluster of its own, with nothing on it that could be moved. */
export async function aDrain(tx: Tx): Promise<{ id: string }> {
	const { id: nodeId } = await aNode(tx);
	return tx.nodeDrain.create({
		data: { nodeId, status: 'paused', reason: 'Pruebas', byLabel: 'tests' },
		select: { id: true }
	});
}

/** An instance's migration by its database that was turned back before it began. */
export async function aMigration(tx: Tx): Promise<{ id: string }> {
	const { id: tenantId, customerId } = await createUnplacedTenant(tx);
	const { id: nodeId } = await aNode(tx);
	const { id: fromContainerId } = await tx.container.findFirstOrThrow({
		where: { nodeId },
		select: { id: true }
	});
	return tx.tenantMigration.create({
		data: {
			...{ tenantId, customerId, fromContainerId, byLabel: 'tests', status: 'rolled_back' },
			...{ fromIsolation: 'shared', toIsolation: 'dedicated' }
		},
		select: { id: true }
	});
}
