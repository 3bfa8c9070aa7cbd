import { now } from '#lib/core/clock.server.ts';
import { db, lock, transaction, type Tx } from '#lib/core/db.server.ts';
import { publish } from '#lib/core/live.server.ts';
import { VendorError } from '#lib/integrations/errors.ts';
import {
	beginRun,
	closeUnseen,
	endRun,
	isIgnored,
	keepOpen,
	noteDrifts,
	type Found
} from '#lib/logs/drifts.server.ts';
import { closeAlert } from '#lib/notifications/alerts.server.ts';
import type { Drift, ReconcileRun } from '#prisma/generated/client.ts';
import { askCluster } from '../nodes/clients.server.ts';
import { DRIFT_KINDS, DRIFT_LOCK, HA_KINDS } from './kinds.ts';
import { lookAtBooks, type ClusterLook } from './lookCluster.server.ts';

/** What only a container's own configuration shows. */
const IN_CONFIG = new Set(
	['limits', 'mark', 'address', 'address-twice'].map((kind) => `infrastructure.${kind}`)
);

/**
 * Compares what every cluster has with what our books say. Reads alone, but for the limits of containers that were there
 * before us, which the books follow; what differs is noted, and repaired when somebody says so. Of what does not answer, and
 * of what a run or an act is at work on, nothing is said: what was open stays open.
 * @param byLabel who asked; null for the clock
 */
export async function reconcileClusters(byLabel: string | null = null): Promise<ReconcileRun> {
	const runId = await beginRun('infrastructure', byLabel);
	const began = now();
	const compared = { clusters: 0, containers: 0, guests: 0, configs: 0 };
	const errors: string[] = [];
	let found = 0;
	const open = await db.drift.findMany({
		where: { kind: { in: DRIFT_KINDS }, closedAt: null }
	});
	const differed = new Set(
		open.flatMap(({ kind, subjectId }) => (IN_CONFIG.has(kind) ? [subjectId] : []))
	);
	// Of one whose nodes were all removed nothing can be compared any more: what was open of it is closed below.
	const clusters = await db.cluster.findMany({
		where: { nodes: { some: { removedAt: null } } },
		orderBy: { name: 'asc' }
	});
	for (const { id, name } of clusters) {
		let look: ClusterLook;
		try {
			look = await askCluster(id, {}, (proxmox) =>
				lookAtBooks(proxmox, id, { differed, at: began })
			);
		} catch (error) {
			if (!(error instanceof VendorError)) throw error;
			errors.push(`${name}: ${error.message}`);
			await keep(await ofCluster(id, open), began);
			continue;
		}
		for (const [node, count] of look.silent) errors.push(`${name} / ${node}: ${count} CT`);
		compared.clusters += 1;
		for (const key of ['containers', 'guests', 'configs'] as const)
			compared[key] += look.compared[key];
		found += await transaction((tx) => note(tx, look, began));
		await keep(
			open.filter(
				({ kind, subjectId }) =>
					look.open.has(subjectId) || (HA_KINDS.has(kind) && look.unguarded.has(subjectId))
			),
			began
		);
	}
	await transaction(async (tx) => {
		await closeUnseen(tx, DRIFT_KINDS, began);
		await closeOfGone(tx);
	});
	return endRun(runId, { compared, found, errors });
}

async function note(tx: Tx, look: ClusterLook, at: Date): Promise<number> {
	// Two looks at the same time must not both note what is new.
	await lock(tx, DRIFT_LOCK);
	const fresh: Found[] = [];
	for (const one of look.found) if (!(await isIgnored(tx, one))) fresh.push(one);
	await noteDrifts(tx, fresh, at);
	for (const { id, limits } of look.grown) {
		await tx.container.updateMany({
			where: { id, adopted: true },
			data: {
				cpuCores: limits.cpu_cores,
				ramMb: limits.ram_mb,
				diskGb: Math.ceil(limits.disk_gb)
			}
		});
		await publish(tx, 'staff:containers', id);
	}
	return fresh.length;
}

/** Nobody can bring back a container that was given up meanwhile. */
async function closeOfGone(tx: Tx): Promise<void> {
	const gone = await tx.$queryRaw<{ id: string }[]>`
		SELECT container.id FROM alerts alert JOIN lxc_containers container ON container.id::text = alert.subject_id
		WHERE alert.rule = ${MISSING} AND alert.subject_type = 'container' AND alert.closed_at IS NULL
			AND container.status = 'deleted'`;
	for (const { id } of gone)
		await closeAlert(tx, { rule: MISSING, subjectType: 'container', subjectId: id });
}

const MISSING = 'infrastructure.container-missing';

function keep(drifts: Drift[], at: Date): Promise<void> {
	return transaction((tx) =>
		keepOpen(
			tx,
			drifts.map(({ id }) => id),
			at
		)
	);
}

/** Those of a cluster that does not answer. */
async function ofCluster(clusterId: string, open: Drift[]): Promise<Drift[]> {
	const rows = await db.container.findMany({
		where: { clusterId, id: { in: open.map(({ subjectId }) => subjectId).filter(isUuid) } },
		select: { id: true }
	});
	const ids = new Set(rows.map(({ id }) => id));
	return open.filter(
		({ subjectId }) => ids.has(subjectId) || subjectId.startsWith(`${clusterId}/`)
	);
}

function isUuid(id: string): boolean {
	return /^[0-9a-f-]{36}$/.test(id);
}
