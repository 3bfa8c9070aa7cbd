import { MINUTE, now } from '#lib/core/clock.server.ts';
import { db, lock, transaction, type Tx } from '#lib/core/db.server.ts';
import { publish } from '#lib/core/live.server.ts';
import type { ClusterResource } from '#lib/integrations/proxmox/types.ts';
import { setting } from '#lib/settings/settings.server.ts';
import { followGuests } from '../drift/follow.server.ts';
import { heldContainers } from '../drift/held.server.ts';
import { askCluster, isDown } from '../nodes/clients.server.ts';
import { makeDayPartitions } from './partitions.server.ts';
import { clusterRows, samplesOf, writeSamples } from './samples.server.ts';

/** Clusters that are asked at the same time. */
const AT_A_TIME = 10;

/**
 * One look at every cluster, by one call each: containers that were moved, stopped or started by somebody else are
 * followed, and every few minutes (a setting) what everything uses is stored.
 */
export async function watchClusters(): Promise<void> {
	await look(await setting('infrastructure.metrics_minutes'));
}

/** The same, and stores whatever the time: for tests and measurements. */
export async function collectMetrics(): Promise<void> {
	await look(null);
}

/** @param minutes between two samples; null: now */
async function look(minutes: number | null): Promise<void> {
	await makeDayPartitions(now());
	const clusters = await db.cluster.findMany({ select: { id: true, rootfsStorage: true } });
	const failures: unknown[] = [];
	for (let first = 0; first < clusters.length; first += AT_A_TIME) {
		await Promise.all(
			clusters.slice(first, first + AT_A_TIME).map(async (cluster) => {
				try {
					await lookAt(cluster, minutes);
				} catch (error) {
					// One that refuses us keeps nobody from looking at the others.
					if (!isDown(error)) failures.push(error);
				}
			})
		);
	}
	if (failures.length > 0) throw failures[0];
}

async function lookAt(
	{ id, rootfsStorage }: { id: string; rootfsStorage: string },
	minutes: number | null
): Promise<void> {
	const resources: ClusterResource[] = await askCluster(id, {}, (proxmox) => proxmox.resources());
	const at = now();
	await transaction(async (tx) => {
		await lock(tx, `infrastructure.metrics:${id}`);
		const rows = await clusterRows(tx, id, at);
		const held = await heldContainers(tx, id);
		await followGuests(tx, rows.containers, { resources, nodes: rows.nodes, held, at });
		if (minutes !== null && (await isSampled(tx, rows.nodes, at, minutes))) return;
		await writeSamples(tx, samplesOf(rows, resources, rootfsStorage), at);
		await publish(tx, 'staff:metrics');
	});
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
