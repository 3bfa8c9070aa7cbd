import { now } from '#lib/core/clock.server.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { publish } from '#lib/core/live.server.ts';
import { closeAlert, openAlert } from '#lib/notifications/alerts.server.ts';
import type { Node } from '#prisma/generated/client.ts';
import { capacityOf, type ClusterSight } from './clusterLook.server.ts';
import { placingState, readHealth, toldProblems, type Health } from './health.ts';
import { judgeHealth, type Seen } from './healthJudgement.ts';
import { problemSentence } from './healthWords.ts';
import { nodeTransition } from '../states.ts';
import { nodeReturned } from './waiters.server.ts';

interface Look {
	node: Pick<Node, 'id' | 'name'>;
	/** When it began, by the clock of the database. */
	lookedAt: Date;
	seen: Seen;
	/** Null: nobody said anything of its capacity. */
	sight: ClusterSight | null;
	/** Looks in a row without an answer after which a node is offline. */
	misses: number;
}

/**
 * Keeps what a look at a node has found: its health, its capacity, and what follows for its state. A look that began
 * before the one that was kept last changes nothing. Staff are told of a node that is offline, and of one that has been
 * unwell for some looks; who waits for room is woken when there may be more.
 */
export async function keepLook(tx: Tx, look: Look): Promise<void> {
	const before = await lockNode(tx, look.node.id);
	if (!before || before.removedAt || isOverdue(before, look)) return;
	const { seen, lookedAt } = look;
	const health = judgeHealth(seen, readHealth(before.health));
	const hasAnswered = 'ms' in seen.api;
	const after = await tx.node.update({
		where: { id: before.id },
		data: {
			health,
			lookedAt,
			clockSkewMs: health.clock.skewMs,
			...(hasAnswered ? onlineData(before, look) : missedData(before, look))
		}
	});
	await tellOffline(tx, before, after, health);
	await tellUnwell(tx, before, after, health);
	const isBack = placingState(before) !== 'online' && placingState(after) === 'online';
	if (isBack || isMore(before, after)) await nodeReturned(tx);
	const hasChanged =
		before.status !== after.status || before.misses > 0 !== after.misses > 0 || isBack;
	if (hasChanged) await publish(tx, 'staff:nodes', before.id);
}

function onlineData(before: Node, { node, seen, sight }: Look) {
	const capacity = sight && capacityOf(sight, node.name, seen.rootfsStorage);
	return {
		status:
			before.status === 'maintenance' ? before.status : nodeTransition(before.status, 'online'),
		misses: 0,
		offlineSince: null,
		lastSeenAt: now(),
		proxmoxVersion: seen.version ?? before.proxmoxVersion,
		cpuTotal: capacity?.cpuCores ?? before.cpuTotal,
		ramTotalMb: capacity?.ramMb ?? before.ramTotalMb,
		diskTotalGb: capacity?.diskGb ?? before.diskTotalGb
	};
}

function missedData(before: Node, { seen, misses: limit }: Look) {
	const misses = before.misses + 1;
	return {
		status:
			before.status === 'online' && misses >= limit
				? nodeTransition(before.status, 'offline')
				: before.status,
		misses,
		// It does not answer since the first look that it missed, whenever that is called offline.
		offlineSince: before.offlineSince ?? seen.at
	};
}

async function tellOffline(tx: Tx, before: Node, after: Node, health: Health): Promise<void> {
	if (before.status === after.status) return;
	const alert = { rule: 'infrastructure.node-offline', subjectType: 'node', subjectId: after.id };
	if (after.status !== 'offline') {
		await closeAlert(tx, alert);
		return;
	}
	const reason = health.api.error;
	await openAlert(tx, {
		...alert,
		severity: 'critical',
		data: { node: after.name, ...(reason ? { reason: reason.slice(0, 500) } : {}) }
	});
}

async function tellUnwell(tx: Tx, before: Node, after: Node, health: Health): Promise<void> {
	const was = toldProblems(before.status, readHealth(before.health));
	const is = toldProblems(after.status, health);
	const keys = (problems: typeof is) => problems.map(({ key, state }) => `${key} ${state}`).join();
	if (keys(was) === keys(is)) return;
	const alert = { rule: 'infrastructure.node-unwell', subjectType: 'node', subjectId: after.id };
	if (is.length === 0) {
		await closeAlert(tx, alert);
		return;
	}
	const words = (locale: 'es' | 'en') =>
		is.map((problem) => problemSentence(problem, health, locale)).join(' ');
	await openAlert(tx, {
		...alert,
		severity: is.some(({ state }) => state === 'error') ? 'critical' : 'warning',
		data: { node: after.name, problems_es: words('es'), problems_en: words('en') }
	});
}

function isMore(before: Node, after: Node): boolean {
	return (
		after.cpuTotal > before.cpuTotal ||
		after.ramTotalMb > before.ramTotalMb ||
		after.diskTotalGb > before.diskTotalGb
	);
}

/** What it saw is older than what is written. */
function isOverdue(written: Node, { lookedAt }: Look): boolean {
	return written.lookedAt !== null && lookedAt < written.lookedAt;
}

/** Two looks at the same time must not both see the change. */
async function lockNode(tx: Tx, nodeId: string): Promise<Node | null> {
	await tx.$queryRaw`SELECT 1 FROM proxmox_nodes WHERE id = ${nodeId}::uuid FOR UPDATE`;
	return tx.node.findUnique({ where: { id: nodeId } });
}
