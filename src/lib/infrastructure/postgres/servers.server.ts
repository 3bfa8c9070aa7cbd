import type { Tx } from '#lib/core/db.server.ts';
import { Prisma } from '#prisma/generated/client.ts';
import type { ReadyServer } from './names.ts';

/**
 * Servers of databases that containers may be attached to: made by us, whole, and running. One that staff have stopped, or
 * whose making has failed, is none.
 */
export const READY_SERVERS = Prisma.sql`
	SELECT server.id AS "containerId", server.node_id AS "nodeId", server.cluster_id AS "clusterId", (
		SELECT coalesce(sum(slots), 0)::int FROM lxc_containers
		WHERE postgres_container_id = server.id AND status <> 'deleted'
	) AS load
	FROM lxc_containers server
	JOIN provisioning_jobs run ON run.id = server.created_by_job_id AND run.status = 'succeeded'
	WHERE server.purpose = 'postgres' AND server.status = 'running' AND NOT server.adopted AND NOT server.retiring`;

/** Those of a cluster. */
export function readyServers(tx: Tx, clusterId: string): Promise<ReadyServer[]> {
	return tx.$queryRaw`
		SELECT "containerId", "nodeId", load FROM (${READY_SERVERS}) AS server
		WHERE "clusterId" = ${clusterId}::uuid`;
}

/** Containers that have their databases on a server, by VMID. */
export function servedBy(tx: Tx, id: string) {
	return tx.container.findMany({
		where: { postgresContainerId: id, status: { not: 'deleted' } },
		select: { id: true, vmid: true, hostname: true, status: true, postgresRole: true },
		orderBy: { vmid: 'asc' }
	});
}
