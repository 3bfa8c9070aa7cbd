import { setTimeout as sleep } from 'node:timers/promises';
import type { Prisma, ProvisioningJob, ProvisioningStep } from '#prisma/generated/client.ts';
import { SECOND } from './clock.server.ts';
import { transaction } from './db.server.ts';
import { runOf, type Step, type StepContext } from './saga.server.ts';
import { writeClaimed, writeRunLog, type ClaimedRun } from './sagaStore.server.ts';

/** Waits up to this many seconds are slept through in the handler; longer ones go back to the queue. */
export const LONGEST_SLEEP = 10;

/**
 * A context for undoing a step of a run that has ended: what is left of it belongs to nobody else, so that no claim is
 * needed, and nothing of the run itself may be written.
 */
export function detachedContext(run: ProvisioningJob, stepName: string): StepContext<object> {
	const refuse = () => Promise.reject(new Error('the run has ended'));
	return {
		trace: {
			jobId: run.id,
			stepName,
			customerId: run.customerId ?? undefined,
			subjectId: run.subjectId
		},
		jobId: run.id,
		subjectId: run.subjectId,
		customerId: run.customerId,
		state: runOf(run).state,
		attempt: 1,
		signal: new AbortController().signal,
		save: refuse,
		write: transaction,
		log: (level, message, data) => writeRunLog(run, stepName, level, message, data),
		sleep: (seconds) => sleep(Math.min(seconds, LONGEST_SLEEP) * SECOND)
	};
}

/** What a step gets while this worker has the run. */
export function contextOf(
	run: ClaimedRun,
	step: Step<object>,
	row: ProvisioningStep,
	signal: AbortSignal
): StepContext<object> {
	return {
		trace: {
			jobId: run.id,
			stepName: step.name,
			customerId: run.customerId ?? undefined,
			subjectId: run.subjectId
		},
		jobId: run.id,
		subjectId: run.subjectId,
		customerId: run.customerId,
		get state() {
			return run.state as object;
		},
		attempt: row.attempts,
		signal,
		save: async (patch) => {
			const state = { ...(run.state as object), ...patch } as Prisma.JsonObject;
			await writeClaimed(run, { state: state as Prisma.InputJsonObject }, async () => {});
			run.state = state;
		},
		write: (work) => writeClaimed(run, {}, work),
		log: (level, message, data) => writeRunLog(run, step.name, level, message, data),
		sleep: (seconds) => sleep(Math.min(seconds, LONGEST_SLEEP) * SECOND, undefined, { signal })
	};
}
