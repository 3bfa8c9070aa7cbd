import { now } from '#lib/core/clock.server.ts';
import { db, transaction, type Tx } from '#lib/core/db.server.ts';
import type { SagaRun } from '#lib/core/saga.server.ts';
import { sagaNamed } from '#lib/core/saga.server.ts';
import { detachedContext } from '#lib/core/sagaContext.server.ts';
import { closeAlert, openAlert } from '../notifications/alerts.server.ts';

/** What a run created and could not take back becomes a row that is tried again, and an alert. */
export async function leaveCleanup(
	tx: Tx,
	run: SagaRun<object>,
	failure: { step: string; message: string }
): Promise<void> {
	await tx.cleanupItem.upsert({
		where: { jobId_kind: { jobId: run.jobId, kind: failure.step } },
		create: {
			jobId: run.jobId,
			kind: failure.step,
			target: { subjectId: run.subjectId },
			error: failure.message
		},
		update: { error: failure.message }
	});
	await openAlert(tx, {
		rule: 'provisioning.left-behind',
		subjectType: 'job',
		subjectId: run.jobId,
		severity: 'warning',
		data: { step: failure.step, message: failure.message }
	});
}

/** Runs the undo of steps that could not be undone, until each can. */
export async function retryCleanup(): Promise<void> {
	const open = await db.cleanupItem.findMany({
		where: { status: 'open' },
		orderBy: { createdAt: 'asc' },
		take: 50
	});
	for (const item of open) {
		const run = await db.provisioningJob.findUniqueOrThrow({ where: { id: item.jobId } });
		const step = sagaNamed(run.saga).steps.find(({ name }) => name === item.kind);
		try {
			await step?.undo?.(detachedContext(run, item.kind));
			await transaction(async (tx) => {
				await tx.cleanupItem.update({
					where: { id: item.id },
					data: { status: 'done', doneAt: now(), attempts: { increment: 1 }, error: null }
				});
				await tx.provisioningStep.updateMany({
					where: { jobId: item.jobId, name: item.kind },
					data: { status: 'undone' }
				});
				const left = await tx.cleanupItem.count({ where: { jobId: item.jobId, status: 'open' } });
				if (left === 0)
					await closeAlert(tx, {
						rule: 'provisioning.left-behind',
						subjectType: 'job',
						subjectId: item.jobId
					});
			});
		} catch (error) {
			await db.cleanupItem.update({
				where: { id: item.id },
				data: {
					attempts: { increment: 1 },
					error: error instanceof Error ? error.message : String(error)
				}
			});
		}
	}
}
