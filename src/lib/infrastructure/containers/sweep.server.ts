import { after, MINUTE, now } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { audit, SYSTEM } from '#lib/logs/audit.server.ts';
import { writeLog } from '#lib/logs/entries.server.ts';
import type { ProxmoxClient } from '#lib/integrations/proxmox/proxmox.server.ts';
import { askCluster, isDown } from '../nodes/clients.server.ts';
import { look } from './guests.server.ts';
import { readMark } from './marks.ts';
import { destroyMarked } from './removal.server.ts';

/** How long a container that nobody accounts for is only watched: what looks lost may be on its way. */
export const ORPHAN_GRACE = 10 * MINUTE;

/**
 * Finds containers in Proxmox that carry the mark of one of our rows, although that row is deleted or has another VMID:
 * copies that were finished after their run had been undone. After a grace they are destroyed, which is recorded. What
 * bears no mark, or the mark of a row that is not here (another installation's), is left alone.
 */
export async function sweepOrphans(signal: AbortSignal): Promise<void> {
	for (const cluster of await db.cluster.findMany()) {
		try {
			await askCluster(cluster.id, {}, async (proxmox) => {
				await notice(proxmox, cluster);
				await destroyOverdue(proxmox, cluster.id, signal);
			});
		} catch (error) {
			// Nobody answers there: the next sweep looks again.
			if (!isDown(error)) throw error;
		}
	}
}

async function notice(
	proxmox: ProxmoxClient,
	cluster: { id: string; vmidMin: number; vmidMax: number }
): Promise<void> {
	// Rows first: a container is in our rows before it is in Proxmox.
	const guests = (await proxmox.resources('vm')).filter(
		({ type, vmid, template, status }) =>
			type === 'lxc' &&
			!template &&
			status !== 'unknown' &&
			vmid !== undefined &&
			vmid >= cluster.vmidMin &&
			vmid <= cluster.vmidMax
	);
	const live = await db.container.findMany({
		where: { clusterId: cluster.id, status: { not: 'deleted' } },
		select: { vmid: true, id: true }
	});
	const accounted = new Set(live.map(({ vmid }) => vmid));
	const found: { vmid: number; containerId: string }[] = [];
	for (const { vmid, node } of guests) {
		if (vmid === undefined || !node || accounted.has(vmid)) continue;
		const seen = await look(proxmox, { nodeName: node, vmid });
		const mark = seen && seen !== 'foreign' ? readMark(seen.config.description) : null;
		if (!mark) continue;
		const row = await db.container.findFirst({
			where: { id: mark.containerId, clusterId: cluster.id },
			select: { id: true }
		});
		if (!row) continue;
		found.push({ vmid, containerId: row.id });
		await remember({ clusterId: cluster.id, vmid, containerId: row.id }, node);
	}
	// One that went away by itself was no orphan.
	await db.orphanContainer.deleteMany({
		where: { clusterId: cluster.id, destroyedAt: null, NOT: { OR: found } }
	});
}

async function remember(
	orphan: { clusterId: string; vmid: number; containerId: string },
	nodeName: string
): Promise<void> {
	const first = { nodeName, firstSeenAt: now(), destroyedAt: null, error: null };
	await db.orphanContainer.createMany({ data: { ...orphan, ...first }, skipDuplicates: true });
	// The same one may come back: its grace begins anew.
	await db.orphanContainer.updateMany({
		where: { ...orphan, destroyedAt: { not: null } },
		data: first
	});
}

async function destroyOverdue(
	proxmox: ProxmoxClient,
	clusterId: string,
	signal: AbortSignal
): Promise<void> {
	const overdue = await db.orphanContainer.findMany({
		where: { clusterId, destroyedAt: null, firstSeenAt: { lte: after(now(), -ORPHAN_GRACE) } }
	});
	for (const { id, vmid, containerId, nodeName } of overdue) {
		try {
			await destroyMarked(proxmox, { containerId, nodeName, vmid, taskUpid: null }, signal);
		} catch (error) {
			const message = error instanceof Error ? error.message : String(error);
			await db.orphanContainer.update({ where: { id }, data: { error: message } });
			continue;
		}
		await transaction(async (tx) => {
			await tx.orphanContainer.update({
				where: { id },
				data: { destroyedAt: now(), error: null }
			});
			await audit(tx, {
				actor: SYSTEM,
				action: 'infrastructure.sweep',
				subject: { type: 'container', id: containerId },
				after: { vmid, node: nodeName }
			});
			await writeLog(
				'system',
				'warning',
				`destroyed orphaned CT ${vmid}`,
				{ data: { nodeName } },
				tx
			);
		});
	}
}
