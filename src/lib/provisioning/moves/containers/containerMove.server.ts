import { now } from '#lib/core/clock.server.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import { defineSaga, SagaStop, type SagaRun } from '#lib/core/saga.server.ts';
import { endMove } from '#lib/infrastructure/moving/reservation.server.ts';
import { audit, SYSTEM } from '#lib/logs/audit.server.ts';
import { closeCalls } from '#lib/logs/calls.server.ts';
import { closeAlert, openAlert } from '#lib/notifications/alerts.server.ts';
import type { ContainerMove } from '#prisma/generated/client.ts';
import { ingressStep, longestBreak, onAirStep } from './containerMoveEdge.server.ts';
import { containerMoveState, type ContainerMoveState } from './containerMoveState.server.ts';
import {
	backupStep,
	migrateStep,
	offAirStep,
	preflightStep,
	startStep
} from './containerMoveSteps.server.ts';
import { endAirBreak } from '../airBreak.server.ts';
import { wakeDrain } from '../drains/drainWake.server.ts';
import { tellBackAgain, tellMoved, tellTurnedBack } from './moveNotices.server.ts';
import { writeMove } from './moveRows.server.ts';
import { troubleInBoth, troubleText } from '../moveWords.ts';

type Run = SagaRun<ContainerMoveState>;

const FAILED = 'provisioning.move-failed';

/** From this step on it is never turned back: moving back is a move. */
export const SWITCH = 'ingress';
const BEFORE_SWITCH = ['preflight', 'backup', 'offair', 'migrate', 'start'];

/**
 * A container goes to another node of its cluster, with all instances in it (docs/decisions/030). Before the switch whatever
 * fails is undone at once, since people are off the air; after it a failure waits for staff.
 */
export const containerMoveSaga = defineSaga<ContainerMoveState>({
	name: 'containers.move',
	topic: 'container',
	state: containerMoveState,
	waits: ['checkedAt', 'startedAt', 'tunnelsAsked', 'onAirAsked'],
	steps: [preflightStep, backupStep, offAirStep, migrateStep, startStep, ingressStep, onAirStep],
	retryWindow: async (step) => (BEFORE_SWITCH.includes(step) ? 0 : null),
	async before(context) {
		if (!BEFORE_SWITCH.includes(context.trace.stepName)) return;
		const wanted = await context.write((tx) => moveOfRun(tx, context));
		if (wanted.error === 'cancelled') throw new SagaStop('cancelled', 'MOVE_STOPPED');
	},
	async onStepDone(tx, run) {
		const move = await moveOfRun(tx, run);
		if (move.error !== null && move.error !== 'cancelled')
			await writeMove(tx, move, { error: null });
	},
	async onWaiting(tx, run, reason) {
		if (reason === 'gone') await alertStaff(tx, await moveOfRun(tx, run), 'gone');
	},
	async onSucceeded(tx, run) {
		const move = await moveOfRun(tx, run);
		const longest = await longestBreak(tx, run.jobId);
		const over = { finishedAt: now(), error: null };
		await writeMove(
			tx,
			move,
			{
				...over,
				status: move.archive ? 'confirming' : 'succeeded',
				offAirAt: longest && new Date(longest.offAirAt),
				onAirAt: longest && new Date(longest.onAirAt)
			},
			{ ...over, status: 'succeeded', keepUntil: move.keepUntil }
		);
		const migrations = await tx.tenantMigration.findMany({ where: { jobId: run.jobId } });
		await tellMoved(tx, migrations);
		await audit(tx, {
			actor: SYSTEM,
			action: 'infrastructure.container-moved',
			subject: { type: 'container', id: move.containerId },
			before: { node: move.fromNodeId },
			after: {
				...{ node: move.toNodeId, move: move.id },
				downtime_seconds: longest ? Math.round((longest.onAirAt - longest.offAirAt) / 1000) : null
			}
		});
		await closeAlert(tx, alertOf(move));
		await end(tx, move);
	},
	async onFailed(tx, run, { step, message }) {
		// What is undone at once says so when it has been.
		if (BEFORE_SWITCH.includes(step)) return;
		const move = await moveOfRun(tx, run);
		const failed = { status: 'failed', error: troubleText(message) } as const;
		await writeMove(tx, move, failed, failed);
		await endAirBreak(tx, run.jobId);
		await alertStaff(tx, move, failed.error);
		if (move.drainId) await wakeDrain(tx, move.drainId);
	},
	async onCompensating(tx, run, reason) {
		const move = await moveOfRun(tx, run);
		if (move.error !== 'cancelled') await writeMove(tx, move, { error: troubleText(reason) });
	},
	async onUndoFailed(tx, run, { step, message }) {
		const move = await moveOfRun(tx, run);
		const failed = { status: 'failed', error: `undo_failed: ${step}: ${message}` } as const;
		await writeMove(tx, move, failed, failed);
		await alertStaff(tx, move, failed.error);
	},
	async onCompensated(tx, run) {
		const move = await moveOfRun(tx, run);
		const finishedAt = now();
		if (move.status === 'failed') await writeMove(tx, move, { finishedAt }, { finishedAt });
		else {
			const status = move.error === 'cancelled' ? 'cancelled' : 'rolled_back';
			const longest = await longestBreak(tx, run.jobId);
			const times = longest && {
				offAirAt: new Date(longest.offAirAt),
				onAirAt: new Date(longest.onAirAt)
			};
			await writeMove(
				tx,
				move,
				{ status, finishedAt, ...times },
				{ status, finishedAt, error: move.error }
			);
			if (status === 'rolled_back') await tellTurnedBack(tx, move, move.error ?? 'failed');
			await tellBackAgain(tx, await tx.tenantMigration.findMany({ where: { jobId: run.jobId } }));
			await closeAlert(tx, alertOf(move));
		}
		await end(tx, move);
	}
});

function moveOfRun(tx: Tx, { state }: Pick<Run, 'state'>): Promise<ContainerMove> {
	return tx.containerMove.findUniqueOrThrow({ where: { id: state.moveId } });
}

/** What is open while a move of this container waits for staff. */
export function alertOf({ containerId }: Pick<ContainerMove, 'containerId'>) {
	return { rule: FAILED, subjectType: 'container', subjectId: containerId };
}

async function alertStaff(tx: Tx, move: ContainerMove, why: string): Promise<void> {
	const { vmid, hostname } = await tx.container.findUniqueOrThrow({
		where: { id: move.containerId }
	});
	await openAlert(tx, {
		...{ ...alertOf(move), severity: 'critical' },
		data: { vmid, hostname, ...troubleInBoth(why) }
	});
}

/** The room where it is not is free again, nobody is kept from it any more, and whoever empties a node goes on. */
async function end(tx: Tx, move: ContainerMove): Promise<void> {
	await endMove(tx, move.containerId);
	if (move.jobId) await closeCalls(tx, move.jobId);
	await plansThatWaited(tx, move);
	if (move.drainId) await wakeDrain(tx, move.drainId);
}

/** What was paid while they were on their way: their container was left alone until now. */
async function plansThatWaited(tx: Tx, { containerId }: ContainerMove): Promise<void> {
	const inside = await tx.tenant.findMany({
		where: { containerId, subscription: { isNot: null } },
		select: { id: true, planId: true, subscription: { select: { planId: true } } }
	});
	for (const { id, planId, subscription } of inside)
		if (subscription?.planId !== planId)
			await enqueue(tx, 'provisioning.apply-plan', { tenantId: id }, { key: id });
}
