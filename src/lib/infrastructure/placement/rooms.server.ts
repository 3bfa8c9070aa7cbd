import type { Tx } from '#lib/core/db.server.ts';
import type { OdooSize } from '../postgres/connections.ts';
import { bestServer, type ReadyServer } from '../postgres/names.ts';
import { READY_SERVERS, readyServer, type ServerRow } from '../postgres/servers.server.ts';
import { freeAddress, poolSize, type Pool } from './addresses.ts';

/** VMIDs that a cluster says are taken, by cluster id; null: it was asked and says nothing; absent: it was not asked. */
export type TakenVmids = ReadonlyMap<string, ReadonlySet<number> | null>;

/** What containers of one cluster are called by: VMIDs and addresses, those that are left and the next of each. */
export interface ClusterRoom {
	odooVersion: string;
	/** It was asked, and did not say what it has. */
	isSilent: boolean;
	freeVmids: number;
	freeAddresses: number;
	hasTemplate: boolean;
	/** Where what is copied from the current template has its databases; see `Candidate`. */
	databases?: ReadyServer[] | undefined;
	/** The server of databases for a new container on this node; null: it has them inside, or there is none with room. */
	serverFor(nodeId: string, odoo: OdooSize): string | null;
	/** One that nobody has, and that nobody ever had while there are such, because backups are named after it. */
	nextVmid(except?: number): number | null;
	nextAddress(): { poolId: string; address: string } | null;
}

interface Row {
	id: string;
	odooVersion: string;
	vmidMin: number;
	vmidMax: number;
	/** Of our containers, within the range. */
	vmids: number[];
	/** Of those that were deleted. */
	oldVmids: number[];
	pools: (Pool & { id: string; leased: string[] })[];
	hasTemplate: boolean;
	needsServer: boolean;
	servers: ServerRow[];
}

/** The room of every cluster, by its id, in one question: placements ask it one after the other, under their lock. */
export async function clusterRooms(tx: Tx, taken: TakenVmids): Promise<Map<string, ClusterRoom>> {
	const rows = await tx.$queryRaw<Row[]>`
		SELECT cluster.id, cluster.odoo_version AS "odooVersion", cluster.vmid_min AS "vmidMin", cluster.vmid_max AS "vmidMax",
			ARRAY(
				SELECT vmid FROM lxc_containers
				WHERE cluster_id = cluster.id AND vmid BETWEEN cluster.vmid_min AND cluster.vmid_max AND status <> 'deleted'
			) AS vmids,
			ARRAY(
				SELECT DISTINCT vmid FROM lxc_containers
				WHERE cluster_id = cluster.id AND vmid BETWEEN cluster.vmid_min AND cluster.vmid_max AND status = 'deleted'
			) AS "oldVmids",
			(
				SELECT coalesce(jsonb_agg(jsonb_build_object(
					'id', pool.id, 'network', pool.network, 'gateway', pool.gateway,
					'leased', ARRAY(SELECT address FROM ip_addresses WHERE pool_id = pool.id)
				) ORDER BY pool.name), '[]')
				FROM address_pools pool WHERE pool.cluster_id = cluster.id
			) AS pools,
			EXISTS (
				SELECT FROM container_templates template JOIN lxc_containers container ON container.id = template.container_id
				WHERE template.cluster_id = cluster.id AND template.current AND template.status = 'ready'
					AND template.odoo_version = cluster.odoo_version AND container.status <> 'deleted'
			) AS "hasTemplate",
			EXISTS (
				SELECT FROM container_templates
				WHERE cluster_id = cluster.id AND current AND kind = 'odoo_only'
			) AS "needsServer",
			(
				SELECT coalesce(jsonb_agg(jsonb_build_object(
					'containerId', server."containerId", 'nodeId', server."nodeId", 'ramMb', server."ramMb", 'served', server.served
				)), '[]')
				FROM (${READY_SERVERS}) AS server WHERE server."clusterId" = cluster.id
			) AS servers
		FROM proxmox_clusters cluster`;
	return new Map(rows.map((row) => [row.id, roomOf(row, taken.get(row.id))]));
}

function roomOf(row: Row, said: ReadonlySet<number> | null | undefined): ClusterRoom {
	const taken = said ?? new Set<number>();
	const { vmidMin: min, vmidMax: max, pools } = row;
	const servers = row.needsServer ? row.servers.map(readyServer) : undefined;
	const used = new Set(row.vmids);
	for (const vmid of taken) if (vmid >= min && vmid <= max) used.add(vmid);
	return {
		odooVersion: row.odooVersion,
		isSilent: said === null,
		hasTemplate: row.hasTemplate,
		databases: servers,
		serverFor: (nodeId, odoo) => (servers ? bestServer(servers, nodeId, odoo) : null),
		freeVmids: max - min + 1 - used.size,
		freeAddresses: pools.reduce((sum, pool) => sum + poolSize(pool) - pool.leased.length, 0),
		nextVmid: (except) => {
			const now = except === undefined ? used : new Set([...used, except]);
			return lowestFree(min, max, new Set([...now, ...row.oldVmids])) ?? lowestFree(min, max, now);
		},
		nextAddress: () => {
			for (const pool of pools) {
				const address = freeAddress(pool, new Set(pool.leased));
				if (address) return { poolId: pool.id, address };
			}
			return null;
		}
	};
}

function lowestFree(min: number, max: number, used: ReadonlySet<number>): number | null {
	for (let vmid = min; vmid <= max; vmid++) if (!used.has(vmid)) return vmid;
	return null;
}
