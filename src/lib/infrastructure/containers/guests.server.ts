import { db } from '#lib/core/db.server.ts';
import { ProxmoxError } from '#lib/integrations/proxmox/errors.ts';
import type { ProxmoxClient } from '#lib/integrations/proxmox/proxmox.server.ts';
import { withPrefix } from '../placement/addresses.ts';
import type { Seen, Wanted } from './reconcile.ts';

/** A container as our rows say it must be. */
export interface Target {
	id: string;
	clusterId: string;
	nodeId: string;
	nodeName: string;
	nodeStatus: string;
	vmid: number;
	purpose: string;
	status: string;
	createdByJobId: string | null;
	/** Task that was begun last for it. */
	taskUpid: string | null;
	rootfsStorage: string;
	wanted: Wanted;
}

interface TargetRow extends Omit<Target, 'wanted'> {
	createdByJobId: string;
	network: string;
	wanted: Omit<Wanted, 'containerId' | 'jobId'>;
}

/** @throws {Error} when the row has no address or run: it is not one that we make */
export async function loadTarget(containerId: string): Promise<Target> {
	// Read before each change of a set-up: one query where relations would be five.
	const [row] = await db.$queryRaw<TargetRow[]>`
		SELECT c.id, c.cluster_id AS "clusterId", c.node_id AS "nodeId", n.name AS "nodeName", n.status::text AS "nodeStatus", c.vmid,
			c.purpose::text, c.status::text, c.created_by_job_id AS "createdByJobId",
			c.task_upid AS "taskUpid", coalesce(c.storage, k.rootfs_storage) AS "rootfsStorage", p.network,
			json_build_object('hostname', c.hostname, 'cpuCores', c.cpu_cores, 'ramMb', c.ram_mb,
				'diskGb', c.disk_gb, 'bridge', p.bridge, 'vlan', p.vlan, 'address', a.address,
				'gateway', p.gateway) AS wanted
		FROM lxc_containers c
		JOIN proxmox_nodes n ON n.id = c.node_id
		JOIN proxmox_clusters k ON k.id = c.cluster_id
		JOIN ip_addresses a ON a.container_id = c.id
		JOIN address_pools p ON p.id = a.pool_id
		WHERE c.id = ${containerId}::uuid AND c.created_by_job_id IS NOT NULL`;
	if (!row) throw new Error(`container ${containerId} is not ours to make`);
	const { wanted, network, ...target } = row;
	return {
		...target,
		wanted: {
			...wanted,
			containerId: row.id,
			jobId: row.createdByJobId,
			address: withPrefix({ network }, wanted.address)
		}
	};
}

/** What Proxmox has under a VMID, wherever in the cluster it is; `foreign` for what is no container at all. */
export async function look(
	proxmox: ProxmoxClient,
	{ nodeName, vmid }: { nodeName: string; vmid: number }
): Promise<Seen | 'foreign' | null> {
	const here = await seenOn(proxmox, nodeName, vmid);
	if (here) return here;
	// A copy for another node lies with its template until it is whole; and a container may have been moved.
	const elsewhere = (await proxmox.resources('vm')).find((guest) => guest.vmid === vmid);
	if (!elsewhere) return null;
	if (elsewhere.type !== 'lxc' || !elsewhere.node) return 'foreign';
	return seenOn(proxmox, elsewhere.node, vmid);
}

async function seenOn(proxmox: ProxmoxClient, node: string, vmid: number): Promise<Seen | null> {
	try {
		const config = await proxmox.containerConfig(node, vmid);
		const { status, lock, ha } = await proxmox.containerStatus(node, vmid);
		return {
			node,
			managed: ha?.managed ?? false,
			service: ha?.state ?? null,
			running: status === 'running',
			lock: lock ?? config.lock ?? null,
			config
		};
	} catch (error) {
		if (error instanceof ProxmoxError && error.kind === 'not_found') return null;
		throw error;
	}
}

export interface Template {
	/** Of its row. */
	id: string;
	vmid: number;
	node: string;
}

/**
 * The template to copy for a container: the current one; of a container that was promised before staff chose another
 * version or kind, the newest of its own.
 * @returns null while the node of it is down
 */
export async function findTemplate(
	proxmox: ProxmoxClient,
	target: Target
): Promise<Template | null> {
	const rows = await db.$queryRaw<{ id: string; vmid: number }[]>`
		SELECT template.id, container.vmid FROM container_templates template
		JOIN lxc_containers container ON container.id = template.container_id
		JOIN lxc_containers wanted ON wanted.id = ${target.id}::uuid
		WHERE template.cluster_id = ${target.clusterId}::uuid AND template.status = 'ready'
			AND template.odoo_version = wanted.odoo_version
			AND (template.kind = 'odoo_only') = (wanted.postgres_container_id IS NOT NULL)
		ORDER BY template.current DESC, template.ready_at DESC
		LIMIT 1`;
	const resources = await proxmox.resources();
	const online = new Set(
		resources.flatMap(({ type, node, status }) =>
			type === 'node' && node && status === 'online' ? [node] : []
		)
	);
	const [row] = rows;
	const found = resources.find(({ type, vmid }) => type === 'lxc' && vmid === row?.vmid);
	return row && found?.node && online.has(found.node) ? { ...row, node: found.node } : null;
}

/** Whether a copy is being made: the one that we know of, or, when its answer was lost, any on these nodes. */
export async function isCopying(
	proxmox: ProxmoxClient,
	taskUpid: string | null,
	nodes: string[]
): Promise<boolean> {
	if (taskUpid) return (await proxmox.taskStatus(taskUpid)).status === 'running';
	for (const node of new Set(nodes)) {
		const tasks = await proxmox.tasks(node, { source: 'active', typefilter: 'vzclone' });
		if (tasks.some(({ endtime }) => endtime === undefined)) return true;
	}
	return false;
}
