import type { Tx } from '#lib/core/db.server.ts';
import { setupSpeed } from './speed.server.ts';

const RUNS = 20;
const LINES = 500;

/**
 * The runs of a tenant, newest first, and one of them with its steps and the end of its log.
 * @param asked id of the run to show; any other text, or null, shows the newest
 */
export async function runsOfTenant(tx: Tx, tenantId: string, asked: string | null) {
	const runs = await tx.provisioningJob.findMany({
		where: { subjectId: tenantId },
		orderBy: { createdAt: 'desc' },
		take: RUNS,
		select: {
			id: true,
			saga: true,
			status: true,
			reason: true,
			wakeAt: true,
			createdAt: true,
			finishedAt: true
		}
	});
	const run = runs.find(({ id }) => id === asked) ?? runs[0] ?? null;
	const usual = run?.saga === 'tenants.create' ? await setupSpeed(tx) : null;
	return {
		runs,
		run,
		steps: run ? await stepsOf(tx, run.id) : [],
		lines: run ? await linesOf(tx, run.id) : [],
		usualSeconds: usual?.seconds ?? null
	};
}

function stepsOf(tx: Tx, jobId: string) {
	return tx.provisioningStep.findMany({
		where: { jobId },
		orderBy: { position: 'asc' },
		select: {
			name: true,
			status: true,
			attempts: true,
			detail: true,
			errorCode: true,
			error: true,
			startedAt: true,
			finishedAt: true
		}
	});
}

/** The last lines, in the order in which they were written. */
async function linesOf(tx: Tx, jobId: string) {
	const lines = await tx.logEntry.findMany({
		where: { jobId },
		orderBy: [{ at: 'desc' }, { id: 'desc' }],
		take: LINES,
		select: { id: true, at: true, level: true, message: true, stepName: true }
	});
	return lines.reverse();
}

export type RunOfTenant = Awaited<ReturnType<typeof runsOfTenant>>;
