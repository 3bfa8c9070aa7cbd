import { now } from '#lib/core/clock.server.ts';
import type { Tx } from '#lib/core/db.server.ts';
import type { NodeEnrolment as Draft } from '#prisma/generated/client.ts';
import type { Findings } from './discovery.ts';

/** A cluster whose nodes were all removed: nobody of it can be asked whether a node is one of its own. */
export interface DormantCluster {
	id: string;
	name: string;
	region: string;
	rootfsStorage: string;
	/** A node of this name was in it, and showed the same certificate or host key. */
	isProven: boolean;
}

const IS_DORMANT = { nodes: { none: { removedAt: null } } } as const;

/** Those that a node may be taken back into, proven ones first. */
export async function dormantClusters(
	tx: Tx,
	{ apiFingerprint, sshHostKey }: Pick<Draft, 'apiFingerprint' | 'sshHostKey'>,
	node: string | null
): Promise<DormantCluster[]> {
	const rows = await tx.cluster.findMany({
		where: IS_DORMANT,
		select: {
			...{ id: true, name: true, region: true, rootfsStorage: true },
			nodes: { select: { name: true, apiFingerprint: true, sshHostKey: true } }
		},
		orderBy: { name: 'asc' }
	});
	return rows
		.map(({ nodes, ...cluster }) => ({
			...cluster,
			isProven: nodes.some(
				(one) =>
					one.name === node &&
					(one.apiFingerprint === apiFingerprint || one.sshHostKey === sshHostKey)
			)
		}))
		.sort((a, b) => Number(b.isProven) - Number(a.isProven));
}

export async function isDormant(tx: Tx, clusterId: string): Promise<boolean> {
	return (await tx.cluster.count({ where: { id: clusterId, ...IS_DORMANT } })) > 0;
}

/**
 * Its templates were forgotten with its last node. Those that lie on the node that is taken back are in the books again;
 * of the others nobody knows anything, so that nothing is copied from them.
 */
export async function takeTemplatesBack(
	tx: Tx,
	{ clusterId, nodeId }: { clusterId: string; nodeId: string },
	findings: Findings
): Promise<void> {
	const forgotten = await tx.template.findMany({
		where: { clusterId, status: 'ready', container: { status: 'deleted' } },
		include: { container: { select: { id: true, vmid: true } } }
	});
	for (const { id, container } of forgotten) {
		const isThere = findings.templates?.some(
			({ vmid, node }) => vmid === container.vmid && node === findings.node
		);
		if (isThere)
			await tx.container.update({
				where: { id: container.id },
				// Nothing was destroyed: the row says again what is so.
				data: { status: 'stopped', deletedAt: null, nodeId }
			});
		else
			await tx.template.update({
				where: { id },
				data: { status: 'deleted', current: false, deletedAt: now() }
			});
	}
	const current = await tx.template.count({ where: { clusterId, current: true } });
	if (current === 0)
		await tx.cluster.update({ where: { id: clusterId }, data: { templateVmid: null } });
}
