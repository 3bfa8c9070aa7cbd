import { db } from '#lib/core/db.server.ts';
import type { ProxmoxClient } from '#lib/integrations/proxmox/proxmox.server.ts';
import { look } from '../containers/guests.server.ts';
import { isThis } from '../containers/identity.ts';
import type { Seen } from '../containers/reconcile.ts';
import { askCluster, proxmoxOn, type Trace } from '../nodes/clients.server.ts';

/** A container, as its row says. */
export interface Moving {
	id: string;
	clusterId: string;
	nodeId: string;
	vmid: number;
	adopted: boolean;
	rootVolume: string | null;
	/** Whether it is meant to run. */
	wantedRunning: boolean;
}

export type Whereabouts =
	| { is: 'there'; nodeId: string; seen: Seen; proxmox: ProxmoxClient }
	/** No node of its cluster has anything under its VMID. */
	| { is: 'gone' }
	/** Something else has its VMID. */
	| { is: 'not_ours' };

/**
 * Where in its cluster a container is, and how: the cluster says on which node, that node says the rest.
 * @throws {ProxmoxError} when the node that has it does not answer, or none
 */
export async function whereIs(container: Moving, trace: Trace): Promise<Whereabouts> {
	const { clusterId, vmid } = container;
	const guest = await askCluster(clusterId, trace, async (proxmox) =>
		(await proxmox.resources('vm')).find((one) => one.vmid === vmid)
	);
	if (!guest?.node) return { is: 'gone' };
	if (guest.type !== 'lxc') return { is: 'not_ours' };
	const node = await db.node.findUnique({
		where: { clusterId_name: { clusterId, name: guest.node } },
		select: { id: true, removedAt: true }
	});
	// A member that was never enrolled is asked over the one that the row names.
	const nodeId = node && !node.removedAt ? node.id : container.nodeId;
	const proxmox = await proxmoxOn(nodeId, trace);
	const seen = await look(proxmox, { nodeName: guest.node, vmid });
	if (!seen) return { is: 'gone' };
	if (!isThis(seen, container)) return { is: 'not_ours' };
	return { is: 'there', nodeId, seen, proxmox };
}
