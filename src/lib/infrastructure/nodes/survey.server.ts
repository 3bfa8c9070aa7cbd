import { GIB, MIB } from '#lib/core/bytes.ts';
import type { ProxmoxClient } from '#lib/integrations/proxmox/proxmox.server.ts';
import type { StorageRow } from '#lib/integrations/proxmox/types.ts';
import type { TemplateEnrolment } from './enrol.server.ts';
import type { Resources } from '../placement/placement.ts';
import { diskSizeGb } from '../containers/reconcile.ts';

export interface NodeSurvey {
	/** 9.1.6 */
	version: string;
	/** Disk: the node's part of the storage that containers lie on; a shared one counts in equal parts. */
	capacity: Resources;
	storages: StorageRow[];
}

/** What a node says of itself. @throws {ProxmoxError} when it does not answer */
export async function surveyNode(
	proxmox: ProxmoxClient,
	node: string,
	rootfsStorage: string
): Promise<NodeSurvey> {
	const { version } = await proxmox.version();
	const { cpuinfo, memory } = await proxmox.nodeStatus(node);
	const storages = await proxmox.storages(node);
	const storage = storages.find((one) => one.storage === rootfsStorage);
	if (!storage) throw new Error(`node ${node} has no storage ${rootfsStorage}`);
	const sharedBy = storage.shared ? await countNodes(proxmox) : 1;
	return {
		...{ version, storages },
		capacity: {
			cpuCores: cpuinfo.cpus,
			ramMb: Math.floor(memory.total / MIB),
			diskGb: Math.floor(storage.total / GIB / sharedBy)
		}
	};
}

async function countNodes(proxmox: ProxmoxClient): Promise<number> {
	const members = await proxmox.clusterStatus();
	return Math.max(1, members.filter(({ type }) => type === 'node').length);
}

/** Where a template is and what it is promised. @throws {Error} when the VMID is no template */
export async function surveyTemplate(
	proxmox: ProxmoxClient,
	vmid: number
): Promise<TemplateEnrolment> {
	const found = (await proxmox.resources('vm')).find((guest) => guest.vmid === vmid);
	if (!found?.node || found.type !== 'lxc' || !found.template) {
		throw new Error(`VMID ${vmid} is no container template`);
	}
	const config = await proxmox.containerConfig(found.node, vmid);
	return {
		vmid,
		node: found.node,
		hostname: config.hostname ?? `CT${vmid}`,
		cpuCores: config.cores ?? 1,
		ramMb: config.memory ?? 512,
		diskGb: Math.ceil(diskSizeGb(config.rootfs))
	};
}
