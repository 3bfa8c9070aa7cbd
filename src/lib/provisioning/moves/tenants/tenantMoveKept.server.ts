import { z } from 'zod';
import { now } from '#lib/core/clock.server.ts';
import { db, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import { defineSaga, startSaga, type Step } from '#lib/core/saga.server.ts';
import { wishSchema } from '#lib/infrastructure/containers/actForms.ts';
import { askForAct } from '#lib/infrastructure/containers/acts.server.ts';
import { destroyContainer } from '#lib/infrastructure/containers/containers.server.ts';
import { odooIn } from '#lib/infrastructure/containers/odooClient.server.ts';
import { capacityAppeared } from '#lib/infrastructure/nodes/waiters.server.ts';
import { SYSTEM } from '#lib/logs/audit.server.ts';
import { closeCalls } from '#lib/logs/calls.server.ts';
import { closeAlert, openAlert } from '#lib/notifications/alerts.server.ts';
import { stepMessage } from '../../stepMessages.ts';
import { announce } from '../../tenantState.server.ts';
import { moveErrorInBoth } from '../migrationErrors.ts';
import { rowIn, type MovingRow } from './tenantMoveRow.server.ts';
import { keptName } from './tenantMoveState.ts';

const state = z.object({ migrationId: z.uuid() });
type State = z.infer<typeof state>;

const RULE = 'provisioning.move-left-behind';

/**
 * The old one goes: its database out of a container that others live in, or its container as a whole. What is not there any
 * more is fine; what lives elsewhere is never touched.
 */
const removeStep: Step<State> = {
	name: 'remove',
	async run(context) {
		const row = await rowIn(db, context.state.migrationId);
		const { tenant, fromContainerId, toContainerId } = row;
		const container = await db.container.findUniqueOrThrow({ where: { id: fromContainerId } });
		if (container.status === 'deleted') return;
		// Whatever came of it since: where the instance lives nothing is removed.
		if (fromContainerId === toContainerId || tenant.containerId === fromContainerId)
			throw new AppError('WRONG_STATE', { params: { from: 'live', to: 'deleted' } });
		if (container.purpose !== 'shared') {
			await destroyContainer(context, fromContainerId, { tenantId: tenant.id });
			return { message: stepMessage('copy_container_gone', { vmid: container.vmid }) };
		}
		const name = keptName(tenant.databaseName, row.jobId!);
		const odoo = await odooIn(fromContainerId, context.trace);
		try {
			await odoo.removeDatabase(name);
		} finally {
			await odoo.close();
		}
		return { message: stepMessage('copy_database_gone', { name }) };
	}
};

/** What a move left behind, once somebody has confirmed it or the time is over. A failure waits for staff. */
export const moveCleanupSaga = defineSaga<State>({
	name: 'tenants.move-cleanup',
	topic: 'tenant-move',
	state,
	steps: [removeStep],
	retryWindow: async () => null,
	async onSucceeded(tx, run) {
		await closeCalls(tx, run.jobId);
		const row = await rowIn(tx, run.state.migrationId);
		await tx.tenantMigration.update({
			where: { id: row.id },
			data: { status: 'succeeded', finishedAt: now(), error: null }
		});
		await closeAlert(tx, { rule: RULE, subjectType: 'tenant', subjectId: row.tenantId });
		await capacityAppeared(tx);
		const { tenantId } = row;
		// What was refused while the old one was kept may be wanted still.
		if (row.tenant.subscriptionId)
			await enqueue(tx, 'provisioning.apply-plan', { tenantId }, { key: tenantId });
		await announce(tx, row.tenant);
	},
	async onFailed(tx, run, { code, message }) {
		const row = await rowIn(tx, run.state.migrationId);
		const error = `${code}: ${message}`.slice(0, 2000);
		await tx.tenantMigration.update({ where: { id: row.id }, data: { error } });
		await openAlert(tx, {
			rule: RULE,
			subjectType: 'tenant',
			subjectId: row.tenantId,
			severity: 'warning',
			data: { slug: row.tenant.slug, ...moveErrorInBoth(error) }
		});
		await announce(tx, row.tenant);
	}
});

/** Begins to remove what a move left, unless that is under way. @returns whether it has begun */
export async function beginCleanup(tx: Tx, row: MovingRow): Promise<boolean> {
	const run = await tx.provisioningJob.findFirst({
		where: { subjectId: row.id },
		orderBy: { createdAt: 'desc' },
		select: { status: true }
	});
	if (run && run.status !== 'failed' && run.status !== 'compensated') return false;
	await startSaga(tx, moveCleanupSaga, {
		subjectId: row.id,
		customerId: row.customerId,
		state: { migrationId: row.id }
	});
	return true;
}

/** A container of its own that is only kept is stopped. What cannot be asked of it now is asked again by the sweep. */
export async function stopKept(
	tx: Tx,
	{ fromContainerId }: Pick<MovingRow, 'fromContainerId'>
): Promise<void> {
	const container = await tx.container.findUniqueOrThrow({ where: { id: fromContainerId } });
	// Who starts it to look into it has said that it is to run.
	if (container.purpose === 'shared' || container.status !== 'running' || container.wantedRunning)
		return;
	const lived = await tx.tenant.count({ where: { containerId: fromContainerId } });
	if (lived > 0) return;
	try {
		await askForAct(tx, fromContainerId, wishSchema.parse({ act: 'stop' }), SYSTEM);
	} catch (error) {
		if (!(error instanceof AppError && error.code === 'CONTAINER_ACT_REFUSED')) throw error;
	}
}
