import { now } from '#lib/core/clock.server.ts';
import { databaseTime, db, transaction, type Tx } from '#lib/core/db.server.ts';
import { publish } from '#lib/core/live.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import { closeAlert, openAlert } from '#lib/notifications/alerts.server.ts';
import type { NodeStatus } from '#prisma/generated/enums.ts';
import { proxmoxOn } from './clients.server.ts';
import { nodeTransition } from '../states.ts';
import { surveyNode, type NodeSurvey } from './survey.server.ts';

declare module '#lib/core/queue.server.ts' {
	interface JobMap {
		'provisioning.capacity-appeared': Record<string, never>;
	}
}

/** Says, as part of `tx`, that somebody who waits for room may find it now. */
export async function capacityAppeared(tx: Tx): Promise<void> {
	await enqueue(tx, 'provisioning.capacity-appeared', {});
}

const CHECK_TIMEOUT_MS = 5_000;

/**
 * Asks every node that is not in maintenance how it is, and stores what it answers or that it does not. What a look that
 * began later has found out stays, however long the earlier one waits for its answer.
 */
export async function checkNodes(): Promise<void> {
	const nodes = await db.node.findMany({
		where: { status: { not: 'maintenance' } },
		select: { id: true, name: true, cluster: { select: { rootfsStorage: true } } }
	});
	await Promise.all(
		nodes.map(async ({ id, name, cluster }) => {
			const lookedAt = await databaseTime();
			const found = await survey(id, name, cluster.rootfsStorage);
			await transaction((tx) =>
				'version' in found
					? noticeOnline(tx, id, { ...found, lookedAt })
					: noticeOffline(tx, id, { ...found, lookedAt })
			);
		})
	);
}

async function survey(
	nodeId: string,
	name: string,
	rootfsStorage: string
): Promise<NodeSurvey | { reason: string }> {
	const proxmox = await proxmoxOn(nodeId, {}, CHECK_TIMEOUT_MS);
	try {
		return await surveyNode(proxmox, name, rootfsStorage);
	} catch (error) {
		// Whatever keeps us from it (down, another certificate, a revoked token): nothing can be placed there.
		return { reason: error instanceof Error ? error.message : String(error) };
	}
}

interface Look {
	/** When it began, by the clock of the database. */
	lookedAt: Date;
}

/** The node answered: its version and capacity are what it says. */
async function noticeOnline(tx: Tx, nodeId: string, look: NodeSurvey & Look): Promise<void> {
	const { version, capacity, lookedAt } = look;
	const before = await lockNode(tx, nodeId);
	if (!before || before.status === 'maintenance' || isOverdue(before, look)) return;
	await tx.node.update({
		where: { id: nodeId },
		data: {
			status: nodeTransition(before.status, 'online'),
			proxmoxVersion: version,
			cpuTotal: capacity.cpuCores,
			ramTotalMb: capacity.ramMb,
			diskTotalGb: capacity.diskGb,
			lastSeenAt: now(),
			lookedAt
		}
	});
	const isMore =
		before.status !== 'online' ||
		capacity.cpuCores > before.cpuTotal ||
		capacity.ramMb > before.ramTotalMb ||
		capacity.diskGb > before.diskTotalGb;
	if (before.status !== 'online') {
		await closeAlert(tx, alertOf(nodeId));
		await publish(tx, 'staff:nodes', nodeId);
	}
	if (isMore) await capacityAppeared(tx);
}

/**
 * The node does not answer: nothing is placed there until a check finds it again. Does nothing when somebody who began to
 * look later has been answered.
 */
export async function noticeOffline(
	tx: Tx,
	nodeId: string,
	look: Look & { reason?: string }
): Promise<void> {
	const { lookedAt, reason } = look;
	const before = await lockNode(tx, nodeId);
	if (!before || before.status === 'maintenance' || isOverdue(before, look)) return;
	if (before.status === 'offline') {
		await tx.node.update({ where: { id: nodeId }, data: { lookedAt } });
		return;
	}
	await tx.node.update({
		where: { id: nodeId },
		data: { status: nodeTransition(before.status, 'offline'), lookedAt }
	});
	await openAlert(tx, {
		...alertOf(nodeId),
		severity: 'critical',
		data: { node: before.name, ...(reason ? { reason: reason.slice(0, 500) } : {}) }
	});
	await publish(tx, 'staff:nodes', nodeId);
}

function alertOf(nodeId: string) {
	return { rule: 'infrastructure.node-offline', subjectType: 'node', subjectId: nodeId };
}

/** What it saw is older than what is written. */
function isOverdue(written: LockedNode, { lookedAt }: Look): boolean {
	return written.lookedAt !== null && lookedAt < written.lookedAt;
}

interface LockedNode {
	name: string;
	status: NodeStatus;
	lookedAt: Date | null;
	cpuTotal: number;
	ramTotalMb: number;
	diskTotalGb: number;
}

/** Two checks at the same time must not both see the change. */
async function lockNode(tx: Tx, nodeId: string): Promise<LockedNode | undefined> {
	const [row] = await tx.$queryRaw<LockedNode[]>`
		SELECT name, status, looked_at AS "lookedAt", cpu_total AS "cpuTotal", ram_total_mb AS "ramTotalMb", disk_total_gb AS "diskTotalGb"
		FROM proxmox_nodes WHERE id = ${nodeId}::uuid FOR UPDATE`;
	return row;
}
