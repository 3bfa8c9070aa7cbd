import { db } from '#lib/core/db.server.ts';
import { ProxmoxError } from '#lib/integrations/proxmox/errors.ts';
import type { ProxmoxClient } from '#lib/integrations/proxmox/proxmox.server.ts';
import type { Found } from '#lib/logs/drifts.server.ts';
import { compareHa } from './haSteps.ts';

interface Guarded {
	id: string;
	vmid: number;
	node: string;
	partner: string;
	shared: boolean;
	running: boolean;
}

/** States in which Proxmox's manager leaves a container alone until a person has looked at it. */
const GAVE_UP = new Set(['error', 'recovery']);

/**
 * What a cluster has otherwise of the containers that are to have a second node: nobody looks after them, or on other nodes;
 * their disks are not copied; the manager gave up on them. Four calls, and none where there are no such containers.
 * @param of those that can be compared now
 * @returns null when the cluster says nothing of it
 */
export async function haDrifts(
	proxmox: ProxmoxClient,
	clusterId: string,
	of: (containerId: string) => boolean
): Promise<Found[] | null> {
	const rows = (await guardedOf(clusterId)).filter(({ id }) => of(id));
	if (rows.length === 0) return [];
	try {
		const [resources, rules, jobs, status] = await Promise.all([
			proxmox.haResources(),
			proxmox.haRules(),
			proxmox.replicationJobs(),
			proxmox.haStatus()
		]);
		return rows.flatMap((row) => {
			const sid = `ct:${row.vmid}`;
			const service = status.find((one) => one.type === 'service' && one.sid === sid);
			// On its way to the other node: whoever follows it says so first.
			if (service?.node && service.node !== row.node) return [];
			const wanted = {
				...row,
				containerId: row.id,
				mark: '',
				schedule: '',
				replicated: !row.shared
			};
			const differs = compareHa(wanted, {
				resource: resources.find((one) => one.sid === sid) ?? null,
				rules: rules.filter((one) => one.resources.split(',').includes(sid)),
				jobs: jobs.filter(({ guest }) => guest === row.vmid)
			});
			const state = service?.crm_state ?? '';
			return [
				...(differs ? [found('ha-missing', row, differs, 'changed-elsewhere')] : []),
				...(GAVE_UP.has(state)
					? [
							found(
								'ha-error',
								row,
								{ ours: { ha_state: 'started' }, theirs: { ha_state: state } },
								state === 'error' ? 'ha-gave-up' : 'ha-nowhere'
							)
						]
					: [])
			];
		});
	} catch (error) {
		if (error instanceof ProxmoxError && !error.retryable) return null;
		throw error;
	}
}

function found(
	kind: 'ha-missing' | 'ha-error',
	{ id }: Guarded,
	sides: { ours: object; theirs: object },
	cause: string
): Found {
	return {
		kind: `infrastructure.${kind}`,
		...{ subjectType: 'container', subjectId: id, cause },
		...sides
	};
}

function guardedOf(clusterId: string): Promise<Guarded[]> {
	return db.$queryRaw<Guarded[]>`
		SELECT container.id, container.vmid, node.name AS node, partner.name AS partner,
			container.wanted_running AS running, coalesce(stored.shared, false) AS shared
		FROM lxc_containers container
		JOIN proxmox_nodes node ON node.id = container.node_id
		JOIN proxmox_nodes partner ON partner.id = container.ha_node_id
		JOIN proxmox_clusters cluster ON cluster.id = container.cluster_id
		LEFT JOIN node_storages stored ON stored.node_id = container.node_id
			AND stored.storage = coalesce(container.storage, cluster.rootfs_storage)
		WHERE container.cluster_id = ${clusterId}::uuid AND container.status NOT IN ('deleted', 'provisioning')
			-- A second node that is only held for a plan, or for later, is nothing that Proxmox should know of yet.
			AND NOT EXISTS (SELECT 1 FROM tenant_migrations held WHERE held.status = 'planned'
				AND held.from_container_id = container.id AND held.to_container_id = container.id AND held.container_move_id IS NULL)
		ORDER BY container.id`;
}
