import { lock, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { publish } from '#lib/core/live.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import { audit, type Actor } from '#lib/logs/audit.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import { askCluster } from '../nodes/clients.server.ts';
import { isWithin } from '../placement/addresses.ts';
import { PLACEMENT_LOCK } from '../placement/placement.server.ts';
import type { Resources } from '../placement/placement.ts';
import { ipOf, rootVolumeOf } from './configs.ts';
import { readMark } from './marks.ts';
import { diskSizeGb } from './reconcile.ts';

declare module '#lib/core/queue.server.ts' {
	interface JobMap {
		'infrastructure.look-into-adopted': { containerId: string };
	}
}

/** A container that was there before us, as Proxmox has it. */
export interface Guest extends Resources {
	clusterId: string;
	/** Proxmox's name of the node that it is on. */
	node: string;
	vmid: number;
	hostname: string;
	running: boolean;
	ip: string | null;
	/** What it is known by from then on; null where its configuration could not be read. */
	rootVolume: string | null;
	/** Row that a mark in its description names. */
	markedAs: string | null;
}

interface Act {
	by: Actor;
}

/**
 * Takes a container that is none of ours into the books: counted as promised, shown and measured. Nothing is written to
 * Proxmox, no set-up is ever placed in it, and no deletion takes it down. Of two who do so at once the second is told.
 * @throws {AppError} CHANGED_MEANWHILE when its VMID is in the books; BAD_INPUT beside `guest_<vmid>` when it cannot be
 * known again, or is a lost copy of ours; NOT_FOUND when its node is not enrolled
 */
export async function adoptGuest(
	tx: Tx,
	guest: Guest,
	purpose: 'odoo' | 'postgres',
	{ by }: Act
): Promise<{ id: string }> {
	const { clusterId, vmid, hostname, cpuCores, ramMb, diskGb, ip, rootVolume } = guest;
	await lock(tx, PLACEMENT_LOCK);
	const refuse = (sentence: string) =>
		new AppError('BAD_INPUT', { fields: { [`guest_${vmid}`]: sentence } });
	if (!rootVolume) throw refuse(m.adopt_unreadable({ vmid }));
	const marked = guest.markedAs
		? await tx.container.findUnique({ where: { id: guest.markedAs }, select: { id: true } })
		: null;
	if (marked) throw refuse(m.adopt_ours({ vmid }));
	const known = await tx.container.findFirst({
		where: { clusterId, vmid, status: { not: 'deleted' } },
		select: { id: true }
	});
	if (known) throw new AppError('CHANGED_MEANWHILE');
	const node = await tx.node.findUnique({
		where: { clusterId_name: { clusterId, name: guest.node } },
		select: { id: true }
	});
	if (!node) throw new AppError('NOT_FOUND', { detail: `node ${guest.node} is not enrolled` });
	const { id } = await tx.container.create({
		data: {
			...{ clusterId, nodeId: node.id, vmid, hostname, purpose },
			...{ cpuCores, ramMb, diskGb, rootVolume, ipAddress: ip },
			status: guest.running ? 'running' : 'stopped',
			wantedRunning: guest.running,
			adopted: true
		}
	});
	if (ip) await leaseOwn(tx, { clusterId, containerId: id, ip });
	await tx.ignoredGuest.deleteMany({ where: { clusterId, vmid } });
	if (purpose === 'odoo')
		await enqueue(tx, 'infrastructure.look-into-adopted', { containerId: id });
	await audit(tx, {
		actor: by,
		action: 'infrastructure.adopt',
		subject: { type: 'container', id },
		after: { vmid, hostname, node: guest.node, purpose }
	});
	await publish(tx, ['staff:containers', 'staff:nodes'], id);
	return { id };
}

/** Its address is given to nobody else; one outside of our pools, or that a container of ours has, stays as it is. */
async function leaseOwn(
	tx: Tx,
	{ clusterId, containerId, ip }: { clusterId: string; containerId: string; ip: string }
): Promise<void> {
	const pools = await tx.addressPool.findMany({ where: { clusterId } });
	const pool = pools.find(({ network }) => isWithin(network, ip));
	if (!pool) return;
	await tx.ipAddress.createMany({
		data: [{ poolId: pool.id, address: ip, containerId }],
		skipDuplicates: true
	});
}

/** Says that a container is none of ours and is to stay so. Saying it twice is saying it once. */
export async function ignoreGuest(
	tx: Tx,
	guest: { clusterId: string; vmid: number; hostname: string; note?: string },
	{ by }: Act
): Promise<void> {
	const { clusterId, vmid, hostname, note = null } = guest;
	const said = { hostname, note, byLabel: by.label };
	await tx.ignoredGuest.upsert({
		where: { clusterId_vmid: { clusterId, vmid } },
		create: { clusterId, vmid, ...said },
		update: said
	});
	await audit(tx, {
		actor: by,
		action: 'infrastructure.ignore-guest',
		subject: { type: 'cluster', id: clusterId },
		after: { vmid, hostname, note }
	});
	await publish(tx, 'staff:containers', String(vmid));
}

/**
 * Reads a container as Proxmox has it now, for `adoptGuest`; call it before the transaction.
 * @throws {AppError} NOT_FOUND when it is not there, or is a virtual machine
 * @throws {ProxmoxError}
 */
export async function readGuest(clusterId: string, vmid: number): Promise<Guest> {
	return askCluster(clusterId, {}, async (proxmox) => {
		const row = (await proxmox.resources('vm')).find((one) => one.vmid === vmid);
		if (!row?.node || row.type !== 'lxc') throw new AppError('NOT_FOUND');
		const config = await proxmox.containerConfig(row.node, vmid);
		return {
			clusterId,
			node: row.node,
			vmid,
			hostname: config.hostname ?? row.name ?? `CT${vmid}`,
			running: row.status === 'running',
			cpuCores: config.cores ?? Math.max(1, Math.ceil(row.maxcpu ?? 1)),
			ramMb: config.memory ?? 512,
			diskGb: Math.ceil(diskSizeGb(config.rootfs)),
			ip: ipOf(config.net0),
			rootVolume: rootVolumeOf(config.rootfs),
			markedAs: readMark(config.description)?.containerId ?? null
		};
	});
}
