import { MINUTE, now } from '#lib/core/clock.server.ts';
import { db, lock, transaction, type Tx } from '#lib/core/db.server.ts';
import { publish } from '#lib/core/live.server.ts';
import type { ClusterResource } from '#lib/integrations/proxmox/types.ts';
import { setting } from '#lib/settings/settings.server.ts';
import { settleDoubts } from '../drift/doubts.server.ts';
import type { Prisma } from '#prisma/generated/client.ts';
import { followGuests } from '../drift/follow.server.ts';
import { heldContainers } from '../drift/held.server.ts';
import { askCluster } from '../nodes/clients.server.ts';
import { eachAlone } from '../nodes/eachAlone.server.ts';
import { checkNodes } from '../nodes/nodes.server.ts';
import { makeDayPartitions } from './partitions.server.ts';
import { clusterRows, samplesOf, writeSamples } from './samples.server.ts';

interface Watched {
	id: string;
	rootfsStorage: string;
}

/**
 * The round of every minute: looks at every node, and follows in every cluster the containers that were moved, stopped or
 * started by somebody else; every few minutes (a setting) what everything uses is stored. What the look at the nodes asks of
 * a cluster is not asked again; one whose nodes answered without saying it is asked with more patience.
 */
export async function watchClusters(): Promise<void> {
	const minutes = await setting('infrastructure.metrics_minutes');
	await makeDayPartitions(now());
	const heard = new Set<string>();
	try {
		await checkNodes(async (cluster, resources) => {
			heard.add(cluster.id);
			await keepAnswer(cluster, resources, minutes);
		});
	} finally {
		const answers = { id: { notIn: [...heard] }, nodes: { some: { removedAt: null, misses: 0 } } };
		await look(minutes, answers);
	}
}

/** The same, and stores whatever the time: for tests and measurements. */
export async function collectMetrics(): Promise<void> {
	await makeDayPartitions(now());
	await look(null, { nodes: { some: { removedAt: null } } });
}

/** @param minutes between two samples; null: now */
async function look(minutes: number | null, where: Prisma.ClusterWhereInput): Promise<void> {
	const clusters = await db.cluster.findMany({
		where,
		select: { id: true, rootfsStorage: true }
	});
	await eachAlone(clusters, async (cluster) =>
		keepAnswer(cluster, await askCluster(cluster.id, {}, (proxmox) => proxmox.resources()), minutes)
	);
}

async function keepAnswer(
	{ id, rootfsStorage }: Watched,
	resources: ClusterResource[],
	minutes: number | null
): Promise<void> {
	const at = now();
	const { doubts, sight } = await transaction(async (tx) => {
		await lock(tx, `infrastructure.metrics:${id}`);
		const rows = await clusterRows(tx, id, at);
		const held = await heldContainers(tx, id);
		const seen = { resources, nodes: rows.nodes, held, at };
		const found = await followGuests(tx, rows.containers, seen);
		if (minutes === null || !(await isSampled(tx, rows.nodes, at, minutes))) {
			await writeSamples(tx, samplesOf(rows, resources, rootfsStorage), at);
			await publish(tx, 'staff:metrics');
		}
		return { doubts: found, sight: seen };
	});
	await settleDoubts(id, doubts, sight);
}

/** Time is cut into spans that begin on the hour, so that each has one sample, whatever the second it was taken in. */
async function isSampled(
	tx: Tx,
	nodes: { id: string }[],
	at: Date,
	minutes: number
): Promise<boolean> {
	const span = minutes * MINUTE;
	const found = await tx.resourceMetric.findFirst({
		where: {
			nodeId: { in: nodes.map(({ id }) => id) },
			recordedAt: { gte: new Date(Math.floor(at.getTime() / span) * span) }
		},
		select: { id: true }
	});
	return found !== null;
}
