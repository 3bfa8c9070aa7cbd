import { z } from 'zod';
import type { Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import type { Node, NodeCredential } from '#prisma/generated/client.ts';
import '../jobs.server.ts';

/** A node that is in service. @throws {AppError} NOT_FOUND */
export async function findNode(
	tx: Tx,
	id: string
): Promise<Node & { credential: NodeCredential | null }> {
	const node = z.uuid().safeParse(id).success
		? await tx.node.findFirst({ where: { id, removedAt: null }, include: { credential: true } })
		: null;
	if (!node) throw new AppError('NOT_FOUND');
	return node;
}

/** The same, for whoever changes it: others wait until `tx` ends. @throws {AppError} NOT_FOUND */
export async function lockedNode(tx: Tx, id: string): Promise<Node> {
	await tx.$queryRaw`SELECT 1 FROM proxmox_nodes WHERE id = ${id}::uuid FOR UPDATE`;
	return findNode(tx, id);
}

/** Has it looked at now, version and privileges included, as part of `tx`. */
export async function requestLook(tx: Tx, nodeId: string): Promise<void> {
	await tx.$executeRaw`
		UPDATE proxmox_nodes SET health = jsonb_set(health, '{privileges,at}', 'null')
		WHERE id = ${nodeId}::uuid AND health ? 'privileges'`;
	await enqueue(tx, 'infrastructure.check-nodes', {});
}
