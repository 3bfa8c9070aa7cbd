import { after, MINUTE, now } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { audit, SYSTEM } from '#lib/logs/audit.server.ts';
import { writeLog } from '#lib/logs/entries.server.ts';
import { ProxmoxError } from '#lib/integrations/proxmox/errors.ts';
import type { ProxmoxClient } from '#lib/integrations/proxmox/proxmox.server.ts';
import type { ClusterResource } from '#lib/integrations/proxmox/types.ts';
import { askCluster } from '../nodes/clients.server.ts';
import { eachAlone } from '../nodes/eachAlone.server.ts';
import { readMark, TAG, tagsOf } from './marks.ts';
import { destroyMarked } from './removal.server.ts';

/** How long a container that nobody accounts for is only watched: what looks lost may be on its way. */
export const ORPHAN_GRACE = 10 * MINUTE;

/**
 * Finds containers in Proxmox that carry the mark of one of our rows, although that row is deleted or has another VMID:
 * copies that were finished after their run had been undone. After a grace they are destroyed, which is recorded. What
 * bears no mark, or the mark of a row that is not here (another installation's), is left alone.
 */
export async function sweepOrphans(signal: AbortSignal): Promise<void> {
	await eachAlone(await db.cluster.findMany(), (cluster) =>
		askCluster(cluster.id, {}, async (proxmox) => {
			await notice(proxmox, cluster);
			await destroyOverdue(proxmox, cluster.id, signal);
		})
	);
}

async function notice(
	proxmox: ProxmoxClient,
	cluster: { id: string; vmidMin: number; vmidMax: number }
): Promise<void> {
	const guests = (await proxmox.resources('vm')).filter(
		({ type, vmid, template, status }) =>
			type === 'lxc' &&
			!template &&
			status !== 'unknown' &&
			vmid !== undefined &&
			vmid >= cluster.vmidMin &&
			vmid <= cluster.vmidMax
	);
	// After what Proxmox has: a container is in our rows before it is there.
	const books = await booksOf(cluster.id);
	const found: { vmid: number; containerId: string }[] = [];
	for (const guest of guests) {
		const { vmid, node } = guest;
		if (vmid === undefined || !node || !mayBeLost(guest, books)) continue;
		const containerId = await markOn(proxmox, node, vmid);
		if (!containerId || !books.rows.has(containerId)) continue;
		found.push({ vmid, containerId });
		await remember({ clusterId: cluster.id, vmid, containerId }, node);
	}
	// One that went away by itself was no orphan.
	await db.orphanContainer.deleteMany({
		where: { clusterId: cluster.id, destroyedAt: null, NOT: { OR: found } }
	});
}

interface Books {
	/** Ids of all rows that there ever were. */
	rows: ReadonlySet<string>;
	/** VMIDs and names that they have and had. */
	vmids: ReadonlySet<number>;
	hostnames: ReadonlySet<string>;
	/** VMIDs that are accounted for. */
	live: ReadonlySet<number>;
	/** What staff said is none of ours, by VMID and name. */
	ignored: ReadonlySet<string>;
}

async function booksOf(clusterId: string): Promise<Books> {
	const rows = await db.container.findMany({
		where: { clusterId },
		select: { id: true, vmid: true, hostname: true, status: true }
	});
	const ignored = await db.ignoredGuest.findMany({
		where: { clusterId },
		select: { vmid: true, hostname: true }
	});
	const alive = rows.filter(({ status }) => status !== 'deleted');
	return {
		rows: new Set(rows.map(({ id }) => id)),
		vmids: new Set(rows.map(({ vmid }) => vmid)),
		hostnames: new Set(rows.map(({ hostname }) => hostname)),
		live: new Set(alive.map(({ vmid }) => vmid)),
		ignored: new Set(ignored.map(({ vmid, hostname }) => `${vmid} ${hostname}`))
	};
}

/**
 * Whether a guest is worth a look at its own configuration. A copy bears our tag only once it is configured, and what was
 * lost may have been before: it has the name and the VMID of a row from its first moment.
 */
function mayBeLost({ vmid, name = '', tags }: ClusterResource, books: Books): boolean {
	if (vmid === undefined || books.live.has(vmid) || books.ignored.has(`${vmid} ${name}`))
		return false;
	return tagsOf(tags).includes(TAG) || books.vmids.has(vmid) || books.hostnames.has(name);
}

/** Row that the mark of a container names; null when it bears none, or is gone meanwhile. */
async function markOn(proxmox: ProxmoxClient, node: string, vmid: number): Promise<string | null> {
	try {
		const { description } = await proxmox.containerConfig(node, vmid);
		return readMark(description)?.containerId ?? null;
	} catch (error) {
		if (error instanceof ProxmoxError && error.kind === 'not_found') return null;
		throw error;
	}
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
