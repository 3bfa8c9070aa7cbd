import { now } from '#lib/core/clock.server.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { publish } from '#lib/core/live.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import { openAlert } from '#lib/notifications/alerts.server.ts';

declare module '#lib/core/queue.server.ts' {
	interface JobMap {
		/** Provisioning's: its customers are told. */
		'provisioning.failed-over': { failoverId: string };
		/** Provisioning's: where each node has a tunnel, its instances go by that of the node that it is on now. */
		'provisioning.follow-node': { containerId: string; since: number };
	}
}

/** Staff know of it until the container is whole again: on two nodes, with a fresh copy. */
export const FAILED_OVER = 'infrastructure.failed-over';

/** A container that runs on its second node because its own died. */
interface FailedOver {
	id: string;
	vmid: number;
	hostname: string;
	/** Where it was, and where it is. */
	nodeId: string;
	from: string;
	to: string;
	toNodeId: string;
	isRunning: boolean;
	at: Date;
}

/**
 * Writes down that a node died and another one took over: since when it was off the air, and from when the disks are that it
 * goes on with. Staff are told.
 */
export async function recordFailover(tx: Tx, container: FailedOver): Promise<void> {
	const { id: containerId, nodeId, toNodeId, isRunning, at } = container;
	const guard = await tx.containerGuard.findUnique({ where: { containerId } });
	const lostAt = await lastSeen(tx, containerId, nodeId, at);
	await tx.failover.create({
		data: {
			...{ containerId, fromNodeId: nodeId, toNodeId, lostAt },
			runningAt: isRunning ? at : null,
			copiedAt: guard?.replicated ? guard.copiedAt : null
		}
	});
	const follow = { containerId, since: Date.now() };
	await enqueue(tx, 'provisioning.follow-node', follow, { key: containerId });
	await openAlert(tx, {
		...{ rule: FAILED_OVER, subjectType: 'container', subjectId: containerId },
		severity: 'critical',
		data: {
			...{ vmid: container.vmid, hostname: container.hostname },
			...{ from: container.from, to: container.to }
		}
	});
	await publish(tx, [`container:${containerId}`, 'staff:nodes'], containerId);
}

/** It had been taken over without running, and now it runs. */
export async function noteRunning(tx: Tx, containerId: string, at: Date): Promise<void> {
	await tx.failover.updateMany({
		where: { containerId, runningAt: null },
		data: { runningAt: at }
	});
}

/** When its node was last known to run it. */
async function lastSeen(tx: Tx, containerId: string, nodeId: string, at: Date): Promise<Date> {
	const node = await tx.node.findUniqueOrThrow({
		where: { id: nodeId },
		select: { offlineSince: true, lastSeenAt: true }
	});
	const sample = await tx.resourceMetric.findFirst({
		where: { containerId, recordedAt: { lte: at } },
		orderBy: { recordedAt: 'desc' },
		select: { recordedAt: true }
	});
	// Of a node that is back already nobody remembers since when it was away.
	const answered = node.offlineSince ? node.lastSeenAt : null;
	const known = [answered, sample?.recordedAt].filter((one) => one instanceof Date);
	return known.length > 0 ? new Date(Math.max(...known.map(Number))) : at;
}

/**
 * Whether a node that a container left had died, rather than somebody having moved it: it does not answer, or it has
 * started again since the container was last seen on it.
 */
export async function hasDied(
	tx: Tx,
	container: { id: string; nodeId: string },
	node: { isOnline: boolean; uptime: number | undefined; at: Date }
): Promise<boolean> {
	if (!node.isOnline) return true;
	if (node.uptime === undefined) return false;
	const seen = await lastSeen(tx, container.id, container.nodeId, node.at);
	return node.at.getTime() - node.uptime * 1000 > seen.getTime();
}

/** A failover that nobody has answered for yet, with its instances that should be on the air. */
interface OpenFailover {
	id: string;
	containerId: string;
	runningAt: Date;
	tenants: string[];
	/** End of the last outage that began with it; null: none was seen, or one goes on. */
	endedAt: Date | null;
}

/**
 * Ends the failovers of which every instance has been seen on the air again. Where there is none that anybody would see, it
 * was over when the container ran. Whoever looks calls it after each round.
 * @param answering instances that answered in this round
 * @param at of the round
 */
export async function endFailovers(tx: Tx, answering: Set<string>, at: Date): Promise<void> {
	const open = await tx.$queryRaw<OpenFailover[]>`
		SELECT failover.id, failover.container_id AS "containerId", failover.running_at AS "runningAt",
			array_remove(array_agg(tenant.id::text), NULL) AS tenants, max(outage.ended_at) AS "endedAt"
		FROM failovers failover
		LEFT JOIN tenant_deployments tenant ON tenant.container_id = failover.container_id
			AND tenant.status IN ('active', 'degraded', 'migrating') AND tenant.published
		LEFT JOIN tenant_outages outage ON outage.tenant_id = tenant.id AND outage.started_at >= failover.lost_at
		WHERE failover.answered_at IS NULL AND failover.running_at <= ${at}
		GROUP BY failover.id`;
	for (const { id, containerId, tenants, endedAt, runningAt } of open) {
		if (!tenants.every((tenant) => answering.has(tenant))) continue;
		const { count } = await tx.failover.updateMany({
			where: { id, answeredAt: null },
			data: { answeredAt: tenants.length === 0 ? runningAt : (endedAt ?? at) }
		});
		if (count === 0) continue;
		await enqueue(tx, 'provisioning.failed-over', { failoverId: id });
		await publish(tx, [`container:${containerId}`, 'staff:containers'], containerId);
	}
}

/** How long a failover kept its instances off the air, in milliseconds: until now while it does. */
export function downtimeOf({
	lostAt,
	answeredAt
}: {
	lostAt: Date;
	answeredAt: Date | null;
}): number {
	return Math.max(0, (answeredAt ?? now()).getTime() - lostAt.getTime());
}
