import { db } from '#lib/core/db.server.ts';
import type { Booked } from './compare.ts';

/** What our rows say of a cluster. */
export interface Books {
	rows: Booked[];
	/** Rows of ours in any state, also those that are gone: marks name them. */
	everKnown: (id: string) => boolean;
	/** Somebody said that these stay as they are, as `vmid name`. */
	ignored: Set<string>;
}

export async function booksOf(clusterId: string): Promise<Books> {
	const rows = await db.$queryRaw<Booked[]>`
		SELECT container.id, container.vmid, container.hostname, container.purpose::text AS purpose, node.name AS "nodeName",
			container.cpu_cores AS "cpuCores", container.ram_mb AS "ramMb", container.disk_gb AS "diskGb", address.address,
			container.wanted_running AS "wantedRunning", container.adopted, container.root_volume AS "rootVolume"
		FROM lxc_containers container
		JOIN proxmox_nodes node ON node.id = container.node_id
		LEFT JOIN ip_addresses address ON address.container_id = container.id
		WHERE container.cluster_id = ${clusterId}::uuid AND container.status <> 'deleted'
		ORDER BY container.id`;
	const known = await db.container.findMany({ where: { clusterId }, select: { id: true } });
	const ids = new Set(known.map(({ id }) => id));
	const ignored = await db.ignoredGuest.findMany({ where: { clusterId } });
	return {
		rows,
		everKnown: (id) => ids.has(id),
		ignored: new Set(ignored.map(({ vmid, hostname }) => `${vmid} ${hostname}`))
	};
}
