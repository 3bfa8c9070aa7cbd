import { after, HOUR, now } from '#lib/core/clock.server.ts';
import type { Tx } from '#lib/core/db.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import { defineSaga, type SagaRun } from '#lib/core/saga.server.ts';
import { capacityAppeared } from '#lib/infrastructure/nodes/waiters.server.ts';
import { closeCalls } from '#lib/logs/calls.server.ts';
import { closeAlert, openAlert } from '#lib/notifications/alerts.server.ts';
import { setting } from '#lib/settings/settings.server.ts';
import { leaveCleanup } from '../../cleanup.server.ts';
import { announce } from '../../tenantState.server.ts';
import {
	backupStep,
	compareStep,
	loadStep,
	offAirStep,
	packStep,
	transferStep
} from './tenantMoveCopy.server.ts';
import { endAirBreak } from '../airBreak.server.ts';
import { moveErrorInBoth } from '../migrationErrors.ts';
import { stopKept } from './tenantMoveKept.server.ts';
import { tellGoneOver, tellTurnedBack } from './tenantMoveNotices.server.ts';
import { containerStep, placeStep, preflightStep } from './tenantMovePlace.server.ts';
import { rowIn } from './tenantMoveRow.server.ts';
import { tenantMoveState, type TenantMoveState } from './tenantMoveState.ts';
import {
	ingressStep,
	keepStep,
	onAirStep,
	openStep,
	switchStep
} from './tenantMoveSwitch.server.ts';

type Run = SagaRun<TenantMoveState>;

/** From the switch on nothing is taken back: what fails there waits for staff, however long. */
const AFTER_SWITCH = new Set([openStep, ingressStep, onAirStep, keepStep].map(({ name }) => name));
const FAILED_RULE = 'provisioning.tenant-move-failed';

/**
 * Takes an instance elsewhere by its database: held, packed, carried, made again, compared, switched. Up to the switch
 * everything is taken back by itself; see docs/decisions/031. In place, between dedicated and dedicated_ha, only the
 * container's limits and its high availability change.
 */
export const tenantMoveSaga = defineSaga<TenantMoveState>({
	name: 'tenants.move',
	topic: 'tenant',
	state: tenantMoveState,
	waits: ['roomAskedAt', 'containerAskedAt', 'offAirAskedAt', 'tunnelAskedAt', 'onAirAskedAt'],
	steps: [
		preflightStep,
		placeStep,
		containerStep,
		unlessInPlace(backupStep),
		unlessInPlace(offAirStep),
		unlessInPlace(packStep),
		unlessInPlace(transferStep),
		unlessInPlace(loadStep),
		unlessInPlace(compareStep),
		switchStep,
		openStep,
		ingressStep,
		onAirStep,
		keepStep
	],
	retryWindow: async (step) => (AFTER_SWITCH.has(step) ? null : 0),

	async onSucceeded(tx, run) {
		await closeCalls(tx, run.jobId);
		const row = await rowIn(tx, run.state.migrationId);
		const { inPlace } = run.state;
		const hours = await setting('provisioning.move_confirm_hours');
		await tx.tenantMigration.update({
			where: { id: row.id },
			data: inPlace
				? { status: 'succeeded', finishedAt: now(), error: null }
				: { status: 'confirming', keepUntil: after(now(), hours * HOUR), error: null }
		});
		await closeFailed(tx, row.tenantId);
		if (!inPlace) await stopKept(tx, row);
		await tellGoneOver(tx, row);
		await afterwards(tx, row);
	},
	async onFailed(tx, run, { step, code, message }) {
		if (!AFTER_SWITCH.has(step)) return;
		const row = await rowIn(tx, run.state.migrationId);
		const error = `${code}: ${message}`.slice(0, 2000);
		await tx.tenantMigration.update({
			where: { id: row.id },
			data: { status: 'failed', error }
		});
		await endAirBreak(tx, run.jobId);
		await openAlert(tx, {
			rule: FAILED_RULE,
			subjectType: 'tenant',
			subjectId: row.tenantId,
			severity: 'critical',
			data: { slug: row.tenant.slug, step, ...moveErrorInBoth(error) }
		});
		await announce(tx, row.tenant);
	},
	async onCompensating(tx, run) {
		// A run that was cancelled has no step that failed.
		const failed = await tx.provisioningStep.findFirst({
			where: { jobId: run.jobId, status: 'failed' },
			select: { errorCode: true, error: true }
		});
		if (failed)
			await tx.tenantMigration.update({
				where: { id: run.state.migrationId },
				data: { error: `${failed.errorCode ?? 'INTERNAL'}: ${failed.error ?? ''}`.slice(0, 2000) }
			});
	},
	onCompensated: turnedBack,
	onUndoFailed: leaveCleanup
});

async function turnedBack(tx: Tx, run: Run): Promise<void> {
	await closeCalls(tx, run.jobId);
	const row = await rowIn(tx, run.state.migrationId);
	await tx.tenantMigration.update({
		where: { id: row.id },
		data: { status: row.error ? 'rolled_back' : 'cancelled', finishedAt: now() }
	});
	await tellTurnedBack(tx, row);
	// The slot that it held is somebody else's now.
	await capacityAppeared(tx);
	await afterwards(tx, row);
}

/** Its plan is looked at again, which says what follows for its customer. */
async function afterwards(tx: Tx, row: Awaited<ReturnType<typeof rowIn>>): Promise<void> {
	const { tenantId } = row;
	if (row.tenant.subscriptionId)
		await enqueue(tx, 'provisioning.apply-plan', { tenantId }, { key: tenantId });
	await announce(tx, row.tenant);
}

function closeFailed(tx: Tx, tenantId: string): Promise<unknown> {
	return closeAlert(tx, { rule: FAILED_RULE, subjectType: 'tenant', subjectId: tenantId });
}

type MoveStep = typeof backupStep;

/** Where the container stays, nothing is copied. */
function unlessInPlace(step: MoveStep): MoveStep {
	const { undo } = step;
	return {
		...step,
		run: async (context) => (context.state.inPlace ? undefined : step.run(context)),
		...(undo && {
			undo: async (context) => (context.state.inPlace ? undefined : undo(context))
		})
	};
}
