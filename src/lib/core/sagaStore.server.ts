import type { Prisma, ProvisioningJob, ProvisioningStep } from '#prisma/generated/client.ts';
import { db, transaction, type Tx } from './db.server.ts';
import { LIVE_CHANNEL, liveNotice } from './live.server.ts';
import { ClaimLost, sagaNamed } from './saga.server.ts';

export type ClaimedRun = ProvisioningJob & { steps: ProvisioningStep[] };

/** Takes a run for this worker; null when there is nothing to do on it. Writes of earlier claims are void from here on. */
export async function claimRun(jobId: string): Promise<ClaimedRun | null> {
	const { count } = await db.provisioningJob.updateMany({
		where: { id: jobId, status: { in: ['queued', 'running', 'waiting', 'compensating'] } },
		data: { claim: { increment: 1 } }
	});
	if (count === 0) return null;
	return db.provisioningJob.findUnique({
		where: { id: jobId },
		include: { steps: { orderBy: { position: 'asc' } } }
	});
}

/**
 * A transaction that commits only while this worker has the run; it locks the run's row and tells listeners.
 * @throws {ClaimLost} when another worker has it
 */
export function writeClaimed<T>(
	run: ClaimedRun,
	data: Prisma.ProvisioningJobUpdateManyMutationInput,
	work: (tx: Tx) => Promise<T>
): Promise<T> {
	return transaction(async (tx) => {
		const { topic } = sagaNamed(run.saga);
		const notice = liveNotice(`${topic}:${run.subjectId}`, run.subjectId);
		// Lock and notice in one round trip: a set-up does this some forty times.
		const ours = await tx.$executeRaw`
			WITH run AS (
				SELECT id FROM provisioning_jobs
				WHERE id = ${run.id}::uuid AND claim = ${run.claim}
					AND status NOT IN ('succeeded', 'failed', 'compensated')
				FOR UPDATE
			)
			SELECT pg_notify(${LIVE_CHANNEL}, ${notice}) FROM run`;
		if (ours === 0) throw new ClaimLost(`run ${run.id} was taken by another worker`);
		if (Object.keys(data).length > 0)
			await tx.provisioningJob.updateMany({ where: { id: run.id }, data });
		return work(tx);
	});
}

/** What an error says, without what PostgreSQL cannot store: a vendor's garbage must not keep a run from failing. */
export function wordsOf(error: unknown): string {
	return withoutNul(error instanceof Error ? error.message : String(error));
}

function withoutNul(text: string): string {
	return text.replaceAll('\0', '\ufffd');
}

/** One line of the run's log. */
export async function writeRunLog(
	run: Pick<ProvisioningJob, 'id' | 'customerId'>,
	stepName: string | null,
	level: 'debug' | 'info' | 'warning' | 'error',
	message: string,
	data?: object
): Promise<void> {
	await db.logEntry.create({
		data: {
			source: 'provisioning',
			level,
			message: withoutNul(message),
			data: data as Prisma.InputJsonObject | undefined,
			jobId: run.id,
			stepName,
			customerId: run.customerId
		}
	});
}

/** Notes what became of a step. */
export async function writeStep(
	run: ClaimedRun,
	row: ProvisioningStep,
	data: Prisma.ProvisioningStepUpdateInput
): Promise<void> {
	await writeClaimed(run, {}, async (tx) => {
		await tx.provisioningStep.update({ where: { id: row.id }, data });
	});
}
