import { db } from '#lib/core/db.server.ts';
import { odoo, type OdooClient } from '#lib/integrations/odoo/odoo.server.ts';
import { recorderOf, type Trace } from '../nodes/clients.server.ts';
import { sshOn } from '../nodes/sshPool.server.ts';

/**
 * Odoo inside a container, through `pct exec` on the node that the container is on. `close` it when done.
 * @throws {Error} when the row says no Odoo version
 */
export async function odooIn(
	containerId: string,
	trace: Trace
): Promise<OdooClient & { close(): Promise<void> }> {
	const container = await db.container.findUniqueOrThrow({
		where: { id: containerId },
		select: {
			...{ vmid: true, nodeId: true, odooVersion: true, postgresRole: true },
			postgres: { select: { vmid: true, nodeId: true, ipAddress: true } }
		}
	});
	// 18.0 → 18
	const version = Number.parseInt(container.odooVersion ?? '', 10);
	if (!version) throw new Error(`container ${containerId} says no Odoo version`);
	const shared = await sshOn(container.nodeId);
	const { postgres } = container;
	const beside = postgres && (await sshOn(postgres.nodeId));
	const server =
		postgres && beside
			? {
					host: postgres.ipAddress!,
					role: container.postgresRole ?? 'odoo',
					exec: beside.client.inside(postgres.vmid)
				}
			: undefined;
	return {
		...odoo(
			{ version, ...(server && { postgres: server }) },
			shared.client.inside(container.vmid),
			recorderOf(trace)
		),
		close: async () => {
			shared.release();
			beside?.release();
		}
	};
}

/** A container on its node. */
export interface ContainerPlace {
	vmid: number;
	nodeId: string;
}

/** Where the files of a container's Odoo lie, and where its PostgreSQL is. */
export async function placesOf(
	containerId: string
): Promise<{ files: ContainerPlace; databases: ContainerPlace }> {
	const place = { vmid: true, nodeId: true } as const;
	const { postgres, ...files } = await db.container.findUniqueOrThrow({
		where: { id: containerId },
		select: { ...place, postgres: { select: place } }
	});
	return { files, databases: postgres ?? files };
}
