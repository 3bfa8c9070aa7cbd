import type { ProxmoxClient } from '#lib/integrations/proxmox/proxmox.server.ts';
import type { HaSeen } from './haSteps.ts';

/** Everything that a cluster has of high availability and replication about one container, and where it is. */
export interface HaSight extends HaSeen {
	/** Name of the node that it is on, as the cluster says. */
	node: string | null;
}

/** @param node that is asked about the copies, where the cluster does not say where the container is */
export async function lookAtHa(
	proxmox: ProxmoxClient,
	vmid: number,
	node: string
): Promise<HaSight> {
	const sid = `ct:${vmid}`;
	const [resources, rules, jobs, status, guests] = await Promise.all([
		proxmox.haResources(),
		proxmox.haRules(),
		proxmox.replicationJobs(),
		proxmox.haStatus(),
		proxmox.resources()
	]);
	const own = jobs.filter(({ guest }) => guest === vmid);
	const at = guests.find((one) => one.type === 'lxc' && one.vmid === vmid)?.node ?? null;
	const copies = own.length > 0 ? await proxmox.replicationStatus(at ?? node, vmid) : [];
	return {
		node: at,
		resource: resources.find((one) => one.sid === sid) ?? null,
		rules: rules.filter((one) => one.resources.split(',').some((name) => name.trim() === sid)),
		jobs: own,
		copy: copies.find(({ id }) => own.some((job) => job.id === id && !job.remove_job)) ?? null,
		service: status.find((row) => row.type === 'service' && row.sid === sid) ?? null,
		online: new Set(
			guests.flatMap(({ type, node: name, status: is }) =>
				type === 'node' && name && is === 'online' ? [name] : []
			)
		)
	};
}
