import { db, lock, transaction } from '#lib/core/db.server.ts';
import { ProxmoxError } from '#lib/integrations/proxmox/errors.ts';
import type { ContainerConfig } from '#lib/integrations/proxmox/types.ts';
import { isIgnored, noteDrifts } from '#lib/logs/drifts.server.ts';
import { askCluster } from '../nodes/clients.server.ts';
import { otherContainer } from './compare.ts';
import { followGuests, type Doubt, type Sight } from './follow.server.ts';
import { DRIFT_LOCK } from './kinds.ts';

/** Configurations that one round reads in a cluster; the others have their turn with the next. */
const MOST_READ = 20;

/**
 * Reads what has the VMID of a row of ours and does not look like it. What is ours after all is followed; what is not is a
 * difference from now on, and the row stays as it is. What is known to differ is not read again.
 */
export async function settleDoubts(
	clusterId: string,
	doubts: Doubt[],
	sight: Sight
): Promise<void> {
	// An enrolled template bears no mark: under another name nobody can say what it is, and nothing is said.
	const unsure = doubts.filter(({ row }) => row.purpose !== 'template');
	if (unsure.length === 0) return;
	const known = await db.drift.findMany({
		where: {
			...{ kind: 'infrastructure.mark', subjectType: 'container', closedAt: null },
			subjectId: { in: unsure.map(({ row }) => row.id) }
		},
		select: { subjectId: true }
	});
	const differ = new Set(known.map(({ subjectId }) => subjectId));
	const toRead = unsure.filter(({ row }) => !differ.has(row.id)).slice(0, MOST_READ);
	const ours: Doubt[] = [];
	for (const doubt of toRead) {
		const config = await configOf(clusterId, doubt);
		const found = config && otherContainer(doubt.row, config);
		if (found)
			await transaction(async (tx) => {
				await lock(tx, DRIFT_LOCK);
				if (!(await isIgnored(tx, found))) await noteDrifts(tx, [found], sight.at);
			});
		else if (config) ours.push(doubt);
	}
	if (ours.length === 0) return;
	const rows = ours.map(({ row }) => row);
	const proven = new Set(rows.map(({ id }) => id));
	await transaction((tx) => followGuests(tx, rows, sight, proven));
}

/** Null when it went away, was moved or stopped answering meanwhile: the next round tells. */
async function configOf(clusterId: string, { row, node }: Doubt): Promise<ContainerConfig | null> {
	try {
		return await askCluster(clusterId, { subjectId: row.id }, (proxmox) =>
			proxmox.containerConfig(node, row.vmid)
		);
	} catch (error) {
		if (!(error instanceof ProxmoxError)) throw error;
		return null;
	}
}
