import { after, MINUTE, now, SECOND } from '#lib/core/clock.server.ts';
import { db, transaction, type Tx } from '#lib/core/db.server.ts';
import { log } from '#lib/core/log.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import { audit, SYSTEM } from '#lib/logs/audit.server.ts';
import { goneTo } from '../ha/standby.ts';
import { notify } from '#lib/notifications/notifications.server.ts';
import { containerTransition } from '../states.ts';
import { advance, type Subject } from './actAdvance.server.ts';
import { outcomeOf, type Outcome, type Sight } from './actOutcome.ts';
import { announce, begunOf, wishOf, writeAct, type Taken } from './actRow.server.ts';
import { actualLimits } from './actualLimits.server.ts';
import { releaseGrowth } from './growth.server.ts';

/**
 * How long an act waits for what others hold, or for its node, before it fails: nobody who asked for a restart wants it an
 * hour later. Its own task is followed for as long as it takes.
 */
export const PATIENCE = 10 * MINUTE;

/** Until when it waits: what has time to end by itself gets that on top. */
function patienceOf({ startedAt, wish }: Taken): Date {
	const seconds = 'timeout_seconds' in wish ? wish.timeout_seconds : 0;
	return after(startedAt, PATIENCE + seconds * SECOND);
}

/** Does an act, or as much of it as can be done now. May run any number of times, and after any death. */
export async function runAct(actId: string, signal: AbortSignal): Promise<void> {
	const act = await take(actId);
	if (!act) return;
	const row = await db.container.findUniqueOrThrow({
		where: { id: act.containerId },
		include: {
			node: { select: { name: true } },
			tenants: { where: { status: { notIn: ['deleted', 'refunded'] } }, take: 2 }
		}
	});
	const subject: Subject = { ...row, nodeName: row.node.name };
	const [tenant, other] = row.tenants;
	const customerId = other ? null : tenant?.customerId;
	const trace = { subjectId: row.id, customerId: customerId ?? null };
	let outcome: Outcome;
	try {
		outcome = await advance({ act, subject, trace, signal });
	} catch (error) {
		if (signal.aborted) throw error;
		outcome = named(error, act);
	}
	await settle(act, subject, outcome);
}

/** @throws what Proxmox did not say, until it has lasted too long: the queue tries again */
function named(error: unknown, act: Taken): Outcome {
	try {
		return outcomeOf(error);
	} catch {
		if (now() < patienceOf(act)) throw error;
		log.error({ err: error, act: act.id }, 'an act is given up');
		return { is: 'failed', why: `internal: ${String(error).slice(0, 500)}`, seen: null };
	}
}

/** @returns null when it has ended already */
async function take(id: string): Promise<Taken | null> {
	return transaction(async (tx) => {
		const { count } = await tx.containerAct.updateMany({
			where: { id, status: { in: ['queued', 'running'] } },
			data: { status: 'running', attempts: { increment: 1 } }
		});
		if (count === 0) return null;
		const row = await tx.containerAct.findUniqueOrThrow({ where: { id } });
		const startedAt = row.startedAt ?? now();
		if (!row.startedAt) await tx.containerAct.update({ where: { id }, data: { startedAt } });
		await announce(tx, row.containerId);
		const { containerId, attempts: attempt, taskUpid } = row;
		return {
			id,
			containerId,
			wish: wishOf(row),
			attempt,
			begun: begunOf(row),
			taskUpid,
			startedAt
		};
	});
}

async function settle(act: Taken, subject: Subject, outcome: Outcome): Promise<void> {
	if (outcome.is === 'done')
		return end(act, 'succeeded', null, async (tx) => {
			await follow(tx, subject, outcome.seen);
			if (hasStarted(act)) await startedWithAll(tx, subject.id);
		});
	if (outcome.is === 'waiting') {
		if (outcome.own || now() < patienceOf(act)) return wait(act, outcome);
		return fail(act, subject, outcome.why, null);
	}
	return fail(act, subject, outcome.why, outcome.seen);
}

/** The next job goes on in a while; this one ends, so that no worker is kept. */
async function wait(act: Taken, { why, seconds }: { why: string; seconds: number }): Promise<void> {
	await writeAct(act, { error: why }, (tx) =>
		enqueue(
			tx,
			'infrastructure.act',
			{ actId: act.id },
			// The queue's clock is the real one.
			{ key: act.containerId, startAfter: new Date(Date.now() + seconds * 1000) }
		)
	);
}

async function fail(act: Taken, subject: Subject, why: string, seen: Sight | null): Promise<void> {
	// The promise of limits that it does not have ends: the row says what is so. Where nobody says that, it keeps its room.
	const limits = act.wish.act === 'resize' ? await actualLimits(subject) : null;
	await end(act, 'failed', why, async (tx) => {
		await tellWhoAsked(tx, act, subject);
		if (seen) await follow(tx, subject, seen);
		// It could not be stopped and runs: that is how it stays.
		if (act.wish.act === 'stop' && seen?.running)
			await tx.container.update({ where: { id: subject.id }, data: { wantedRunning: true } });
		if (limits) await releaseGrowth(tx, subject.id, limits);
	});
}

/** Who asked may be looking at something else by now. */
async function tellWhoAsked(tx: Tx, { id, attempt }: Taken, { id: container }: Subject) {
	const { act, byId } = await tx.containerAct.findUniqueOrThrow({ where: { id } });
	const asker = byId && (await tx.user.findUnique({ where: { id: byId }, select: { id: true } }));
	if (!asker) return;
	const { hostname, vmid } = await tx.container.findUniqueOrThrow({ where: { id: container } });
	await notify(tx, {
		...{ userId: asker.id, kind: 'container_act_failed', severity: 'error' },
		data: { act, hostname, vmid },
		href: `/admin/infrastructure/containers/${container}`,
		dedupeKey: `container-act:${id}:${attempt}:failed`
	});
}

async function end(
	act: Taken,
	status: 'succeeded' | 'failed',
	error: string | null,
	more: (tx: Tx) => Promise<void>
): Promise<void> {
	await writeAct(act, { status, error, finishedAt: now() }, async (tx) => {
		await more(tx);
		await audit(tx, {
			actor: SYSTEM,
			action: `infrastructure.container-act-${status}`,
			subject: { type: 'container', id: act.containerId },
			after: { act: act.wish.act, task: act.taskUpid, error }
		});
	});
}

/** The row says how the container is and where, as it was read back. */
async function follow(tx: Tx, { id, nodeId }: Subject, seen: Sight): Promise<void> {
	const row = await tx.container.findUniqueOrThrow({ where: { id } });
	const { status } = row;
	const is = seen.running ? 'running' : 'stopped';
	// One that was paused shows as stopped, too.
	const next = status === 'paused' && is === 'stopped' ? status : containerTransition(status, is);
	if (next === status && nodeId === seen.nodeId) return;
	await tx.container.update({ where: { id }, data: { status: next, ...goneTo(row, seen.nodeId) } });
}

/** Whether the act has started the container: one that ran already was only looked at. */
function hasStarted({ wish, begun }: Taken): boolean {
	return begun !== null && (wish.act === 'start' || wish.act === 'restart');
}

/** Its PostgreSQL goes by the memory that it has now. */
async function startedWithAll(tx: Tx, id: string): Promise<void> {
	const { ramMb } = await tx.container.findUniqueOrThrow({ where: { id } });
	await tx.container.update({ where: { id }, data: { startedRamMb: ramMb } });
}
