import { lock, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { m } from '#i18n/paraglide/messages.js';
import { getLocale } from '#i18n/paraglide/runtime.js';
import type { Prisma } from '#prisma/generated/client.ts';
import type { BareInput } from '../containers/bareForm.ts';
import { rejections } from './placement.ts';
import { PLACEMENT_LOCK } from './placement.server.ts';
import { rejectionSentence } from './rejections.ts';
import { clusterRooms } from './rooms.server.ts';
import { candidates } from './world.server.ts';

/** What a bare container becomes. */
interface Purpose {
	purpose: 'template' | 'postgres';
	/** A name, when it is not named after its VMID. */
	hostname(vmid: number): string;
	odooVersion?: string;
	wantedRunning?: boolean;
}

/**
 * Takes the place of a container that is made from Debian's image on the node that staff chose, VMID and address included.
 * It needs no template and no server of databases. Proxmox is not asked: whoever makes it takes another VMID when this
 * one is a stranger's.
 * @returns its row, with the node's name
 * @throws {AppError} NOT_FOUND, BAD_INPUT beside the node with every reason why it cannot take it
 */
export async function reserveBare(tx: Tx, input: BareInput, { hostname, ...rest }: Purpose) {
	await lock(tx, PLACEMENT_LOCK);
	const rooms = await clusterRooms(tx, new Map());
	const candidate = (await candidates(tx, rooms)).find(({ nodeId }) => nodeId === input.node_id);
	if (!candidate) throw new AppError('NOT_FOUND');
	const { clusterId, nodeId, name } = candidate;
	const limits = { cpuCores: input.cpu_cores, ramMb: input.ram_mb, diskGb: input.disk_gb };
	const place = { ...candidate, hasTemplate: true, databases: undefined };
	const reasons = rejections(place, { isolation: 'dedicated', ...limits });
	const room = rooms.get(clusterId)!;
	const [vmid, lease] = [room.nextVmid(), room.nextAddress()];
	if (reasons.length > 0 || vmid === null || lease === null) {
		const locale = getLocale();
		const why = reasons.map((reason) => rejectionSentence(reason, locale)).join(' ');
		throw new AppError('BAD_INPUT', { fields: { node_id: m.bare_no_room({ node: name, why }) } });
	}
	const data: Prisma.ContainerUncheckedCreateInput = {
		...{ ...limits, ...rest, clusterId, nodeId, vmid, hostname: hostname(vmid) },
		ipAddress: lease.address,
		address: { create: lease }
	};
	return { ...(await tx.container.create({ data })), nodeName: name, vmid };
}
