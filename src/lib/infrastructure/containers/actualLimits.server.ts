import { db } from '#lib/core/db.server.ts';
import { ProxmoxError } from '#lib/integrations/proxmox/errors.ts';
import { proxmoxOn } from '../nodes/clients.server.ts';
import type { Resources } from '../placement/placement.ts';
import type { Subject } from './actAdvance.server.ts';
import { look } from './guests.server.ts';
import { isThis } from './identity.ts';
import { diskSizeGb } from './reconcile.ts';

/** The limits that Proxmox says a container has now; null when it does not say, or has another container there. */
export async function actualLimits(subject: Subject): Promise<Resources | null> {
	try {
		const proxmox = await proxmoxOn(subject.nodeId, { subjectId: subject.id });
		const seen = await look(proxmox, subject);
		if (!seen || !isThis(seen, subject)) return null;
		const { cpuCores, ramMb } = await db.container.findUniqueOrThrow({
			where: { id: subject.id }
		});
		return {
			cpuCores: seen.config.cores ?? cpuCores,
			ramMb: seen.config.memory ?? ramMb,
			diskGb: Math.round(diskSizeGb(seen.config.rootfs))
		};
	} catch (error) {
		if (error instanceof ProxmoxError) return null;
		throw error;
	}
}
