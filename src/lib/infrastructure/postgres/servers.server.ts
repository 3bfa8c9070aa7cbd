import type { Tx } from '#lib/core/db.server.ts';
import { Prisma } from '#prisma/generated/client.ts';
import { promisedOn, type OdooSize } from './connections.ts';
import type { ReadyServer } from './names.ts';

/** A ready server as `READY_SERVERS` gives it. */
export interface ServerRow {
	containerId: string;
	nodeId: string;
	/** That it works with: what it was given since its last start counts from the next one on. */
	ramMb: number;
	/** The containers whose databases it has. */
	served: (OdooSize & { slots: number })[];
}

/**
 * Servers of databases that containers may be attached to: made by us, whole, and running. One that staff have stopped, or
 * whose making has failed, is none.
 */
export const READY_SERVERS = Prisma.sql`
	SELECT server.id AS "containerId", server.node_id AS "nodeId", server.cluster_id AS "clusterId",
		least(server.ram_mb, server.started_ram_mb) AS "ramMb", (
		SELECT coalesce(jsonb_agg(jsonb_build_object('slots', slots, 'cpuCores', cpu_cores, 'ramMb', ram_mb)), '[]')
		FROM lxc_containers WHERE postgres_container_id = server.id AND status <> 'deleted'
	) AS served
	FROM lxc_containers server
	JOIN provisioning_jobs run ON run.id = server.created_by_job_id AND run.status = 'succeeded'
	WHERE server.purpose = 'postgres' AND server.status = 'running' AND NOT server.adopted AND NOT server.retiring`;

export function readyServer({ containerId, nodeId, ramMb, served }: ServerRow): ReadyServer {
	const { promised, most } = promisedOn(ramMb, served);
	const load = served.reduce((sum, { slots }) => sum + slots, 0);
	return { containerId, nodeId, load, free: most - promised };
}

/** Those of a cluster, also when they have no connections left. */
export async function readyServers(tx: Tx, clusterId: string): Promise<ReadyServer[]> {
	const rows = await tx.$queryRaw<ServerRow[]>`
		SELECT "containerId", "nodeId", "ramMb", served FROM (${READY_SERVERS}) AS server
		WHERE "clusterId" = ${clusterId}::uuid`;
	return rows.map(readyServer);
}

/** Containers that have their databases on a server, by VMID. */
export function servedBy(tx: Tx, id: string) {
	return tx.container.findMany({
		where: { postgresContainerId: id, status: { not: 'deleted' } },
		select: { id: true, vmid: true, hostname: true, status: true, postgresRole: true },
		orderBy: { vmid: 'asc' }
	});
}
