import { setTimeout as sleep } from 'node:timers/promises';
import { Prisma, type ProvisioningStep } from '#prisma/generated/client.ts';
import { after, now, SECOND } from './clock.server.ts';
import { db, transaction, type Tx } from './db.server.ts';
import { AppError, type ErrorCode, type Params } from './errors.ts';
import { enqueue } from './queue.server.ts';
import {
	ClaimLost,
	defineSagaJobs,
	runOf,
	sagaNamed,
	SagaStop,
	wakeSaga,
	wakeSagaLater,
	type AnySaga,
	type Step,
	type StepMessage,
	type StepWait
} from './saga.server.ts';
import { contextOf, LONGEST_SLEEP } from './sagaContext.server.ts';
import { attemptsOf, backoffSeconds, busyWait } from './sagaPatience.ts';
import {
	claimRun,
	wordsOf,
	writeClaimed,
	writeRunLog,
	writeStep,
	type ClaimedRun
} from './sagaStore.server.ts';
import { compensate, startCompensation } from './sagaUndo.server.ts';

/** Takes a run as far as it goes: to its end, to a wait, or to a failure. */
export async function runSaga(jobId: string, signal: AbortSignal): Promise<void> {
	const run = await claimRun(jobId);
	if (!run) return;
	const saga = sagaNamed(run.saga);
	try {
		if (run.status === 'compensating') await compensate(run, saga, signal);
		else await advance(run, saga, signal);
	} catch (error) {
		if (error instanceof ClaimLost) return;
		throw error;
	}
}

async function advance(run: ClaimedRun, saga: AnySaga, signal: AbortSignal): Promise<void> {
	const todo = saga.steps
		.map((step, position) => ({ step, row: run.steps[position]! }))
		.filter(({ row }) => row.status !== 'done' && row.status !== 'skipped');
	await writeClaimed(
		run,
		{ status: 'running', wakeAt: null, startedAt: run.startedAt ?? now() },
		async (tx) => {
			await saga.onRunning?.(tx, runOf(run));
		}
	);
	await goOn(run, saga, todo[0]);
	for (const [index, { step, row }] of todo.entries()) {
		const outcome = await attempt(run, saga, step, row, todo[index + 1], signal);
		if (outcome === 'parked') return;
	}
}

interface Todo {
	step: Step<object>;
	row: ProvisioningStep;
}

/** Notes what `done` says together with what comes next, the next step or the run's end: one transaction for both. */
async function goOn(
	run: ClaimedRun,
	saga: AnySaga,
	next: Todo | undefined,
	done: (tx: Tx) => Promise<void> = async () => {}
): Promise<void> {
	if (next) {
		const begun = begin(next.row);
		await writeClaimed(run, {}, async (tx) => {
			await done(tx);
			await tx.provisioningStep.update({ where: { id: next.row.id }, data: begun });
		});
		Object.assign(next.row, begun);
		return;
	}
	const ended = { status: 'succeeded', reason: null, finishedAt: now() } as const;
	await writeClaimed(run, ended, async (tx) => {
		await done(tx);
		await saga.onSucceeded?.(tx, runOf(run));
	});
}

/** What a step's row says while it is tried once more. */
function begin({ attempts, startedAt }: ProvisioningStep) {
	return { status: 'running', attempts: attempts + 1, startedAt: startedAt ?? now() } as const;
}

/** Runs a step that was begun until it is done and the next is begun, or until the run has been parked, failed or stopped. */
async function attempt(
	run: ClaimedRun,
	saga: AnySaga,
	step: Step<object>,
	row: ProvisioningStep,
	next: Todo | undefined,
	signal: AbortSignal
): Promise<'done' | 'parked'> {
	for (;;) {
		signal.throwIfAborted();
		const context = contextOf(run, step, row, signal);
		try {
			await saga.before?.(context);
			const result = await step.run(context);
			if (result && 'wait' in result) {
				if (result.wait > LONGEST_SLEEP) return await park(run, saga, row, result);
				// Waiting is not trying.
				await writeStep(run, row, said(result.message));
				await sleep(result.wait * SECOND, undefined, { signal });
				continue;
			}
			await goOn(run, saga, next, async (tx) => {
				await tx.provisioningStep.update({
					where: { id: row.id },
					data: {
						status: 'done',
						finishedAt: now(),
						...NO_ERROR,
						...(result && said(result.message))
					}
				});
				await saga.onStepDone?.(tx, runOf(run), step.name);
			});
			return 'done';
		} catch (error) {
			if (error instanceof ClaimLost || signal.aborted) throw error;
			const busy = busyWait(error);
			if (busy) return await park(run, saga, row, busy);
			const again = await afterFailure(run, saga, step, row, error);
			if (!again) return 'parked';
			await sleep(again * SECOND, undefined, { signal });
			const begun = begin(row);
			await writeStep(run, row, begun);
			Object.assign(row, begun);
		}
	}
}

const NO_ERROR = { errorCode: null, errorParams: Prisma.DbNull, error: null };

/** A message replaces the line that an older version of the product may have left. */
function said({ code, params }: StepMessage): Prisma.ProvisioningStepUpdateInput {
	return { message: { code, params }, detail: null };
}

/** What a failure is called: its own name, the fault of the vendor that it names, or nothing that anybody foresaw. */
function nameOf(error: unknown): { code: ErrorCode; params: Params } {
	if (error instanceof AppError) return { code: error.code, params: error.params };
	if (error instanceof SagaStop) return { code: error.code, params: {} };
	return error instanceof Error && 'vendor' in error && typeof error.vendor === 'string'
		? { code: 'VENDOR_FAILED', params: { vendor: error.vendor } }
		: { code: 'INTERNAL', params: {} };
}

/** Seconds until the next try, or null when the run failed or is being undone. */
async function afterFailure(
	run: ClaimedRun,
	saga: AnySaga,
	step: Step<object>,
	row: ProvisioningStep,
	error: unknown
): Promise<number | null> {
	const { code, params } = nameOf(error);
	const message = wordsOf(error);
	const mayPass =
		!(error instanceof AppError || error instanceof SagaStop) &&
		row.attempts < attemptsOf(step, error);
	await writeRunLog(run, step.name, mayPass ? 'warning' : 'error', message);
	await writeStep(run, row, {
		status: mayPass ? 'running' : 'failed',
		errorCode: code,
		errorParams: params,
		error: message
	});
	if (mayPass) return backoffSeconds(row.attempts);

	if (error instanceof SagaStop) {
		await startCompensation(run, saga, message);
		return null;
	}
	const window = await saga.retryWindow(step.name);
	if (window === 0) {
		await writeClaimed(
			run,
			{},
			(tx) =>
				saga.onFailed?.(tx, runOf(run), { step: step.name, code, message }) ?? Promise.resolve()
		);
		await startCompensation(run, saga, message);
		return null;
	}
	await writeClaimed(run, { status: 'failed', reason: message, finishedAt: now() }, async (tx) => {
		await saga.onFailed?.(tx, runOf(run), { step: step.name, code, message });
		if (window !== null) {
			await enqueue(
				tx,
				'sagas.expire',
				{ jobId: run.id },
				{ startAfter: after(now(), window * SECOND) }
			);
		}
	});
	return null;
}

async function park(
	run: ClaimedRun,
	saga: AnySaga,
	row: ProvisioningStep,
	result: StepWait
): Promise<'parked'> {
	const wakeAt = after(now(), result.wait * SECOND);
	await writeClaimed(run, { status: 'waiting', reason: result.reason, wakeAt }, async (tx) => {
		// Waiting is not trying: a step may wait for days and still has all its attempts.
		await tx.provisioningStep.update({
			where: { id: row.id },
			data: { status: 'pending', ...said(result.message), attempts: row.attempts - 1 }
		});
		await saga.onWaiting?.(tx, runOf(run), result.reason);
		await wakeSagaLater(tx, run.id, new Date(Date.now() + result.wait * SECOND));
	});
	return 'parked';
}

/** The end of a failed run's retry window. */
async function expire(jobId: string): Promise<void> {
	await transaction(async (tx) => {
		const { count } = await tx.provisioningJob.updateMany({
			where: { id: jobId, status: 'failed' },
			data: { status: 'compensating', finishedAt: null, claim: { increment: 1 } }
		});
		if (count === 0) return;
		const row = await tx.provisioningJob.findUniqueOrThrow({ where: { id: jobId } });
		await sagaNamed(row.saga).onCompensating?.(tx, runOf(row), row.reason ?? 'failed');
		await wakeSaga(tx, jobId);
	});
}

/** Queues every unfinished run that no live job will take up. */
async function reap(): Promise<void> {
	const orphans = await db.$queryRaw<{ id: string }[]>`
		SELECT id FROM provisioning_jobs run
		WHERE status IN ('queued', 'running', 'waiting', 'compensating')
			AND NOT EXISTS (
				SELECT 1 FROM pgboss.job
				WHERE name = 'sagas.run' AND singleton_key = run.id::text AND state < 'completed'
			)`;
	for (const { id } of orphans) await transaction((tx) => wakeSaga(tx, id));
}

defineSagaJobs({ run: runSaga, expire, reap });
