import { db, transaction, type Tx } from '#lib/core/db.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import { detachDatabases } from './attach.server.ts';

declare module '#lib/core/queue.server.ts' {
	interface JobMap {
		'infrastructure.detach-databases': { containerId: string };
	}
}

/** A container that is gone from our books and may still have its role and databases on a server. */
const LEFT = { status: 'deleted', secret: { isNot: null } } as const;

/**
 * Asks for what containers that were forgotten, not destroyed, have left on servers of databases to be taken away: nobody
 * else does. While a server is known to be away nothing is asked of it; the next look does.
 */
export async function detachForgotten(tx: Tx): Promise<void> {
	const there = { status: 'running', node: { status: { not: 'offline' } } } as const;
	const rows = await tx.container.findMany({
		where: {
			...LEFT,
			OR: [{ postgresContainerId: null }, { postgres: { status: 'deleted' } }, { postgres: there }]
		},
		select: { id: true }
	});
	for (const { id } of rows)
		await enqueue(tx, 'infrastructure.detach-databases', { containerId: id }, { key: id });
}

/**
 * Takes the role of a container that was forgotten off its server of databases. May run any number of times.
 * @throws {VendorError} while the server is away
 */
export async function detachLeft(containerId: string): Promise<void> {
	const row = await db.container.findFirst({ where: { id: containerId, ...LEFT } });
	if (row) await detachDatabases({ trace: { subjectId: row.id }, write: transaction }, row.id);
}
