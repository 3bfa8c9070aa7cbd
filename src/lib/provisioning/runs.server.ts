import type { Tx } from '#lib/core/db.server.ts';
import type { VendorCall } from '#prisma/generated/client.ts';
import type { CallStatus } from '#prisma/generated/enums.ts';
import { after, MINUTE } from '#lib/core/clock.server.ts';
import { setting } from '../settings/settings.server.ts';
import { stepError } from './stepMessages.ts';
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
			message: true,
			detail: true,
			errorCode: true,
			errorParams: true,
			error: true,
			startedAt: true,
			finishedAt: true
		}
	});
}

/** One line of what a run did, in English as all logs are. */
export interface RunLine {
	id: string;
	at: Date;
	level: 'debug' | 'info' | 'warning' | 'error';
	stepName: string | null;
	text: string;
}

/** What the run wrote, and each call that it made to a vendor, in the order of time; the end of it when it is long. */
async function linesOf(tx: Tx, jobId: string): Promise<RunLine[]> {
	const written = await tx.logEntry.findMany({
		where: { jobId },
		orderBy: [{ at: 'desc' }, { id: 'desc' }],
		take: LINES,
		select: { id: true, at: true, level: true, message: true, stepName: true }
	});
	const calls = await tx.vendorCall.findMany({
		where: { jobId },
		orderBy: { startedAt: 'desc' },
		take: LINES,
		omit: { request: true, response: true }
	});
	return [
		...written.map(({ message, ...line }) => ({ ...line, text: message })),
		...calls.map(lineOf)
	]
		.sort((a, b) => a.at.getTime() - b.at.getTime())
		.slice(-LINES);
}

function lineOf(call: Omit<VendorCall, 'request' | 'response'>): RunLine {
	const { id, vendor, operation, key, status, httpStatus, startedAt, finishedAt } = call;
	const took = finishedAt ? `${finishedAt.getTime() - startedAt.getTime()} ms` : '';
	const outcome = [status, httpStatus, took, call.error].filter(Boolean).join(' · ');
	return {
		id,
		at: finishedAt ?? startedAt,
		level: LEVELS[status],
		stepName: call.stepName,
		text: `${vendor} ${operation}${key ? ` ${key}` : ''} → ${outcome}`
	};
}

const LEVELS = {
	pending: 'debug',
	succeeded: 'info',
	unknown: 'warning',
	failed: 'error'
} as const satisfies Record<CallStatus, RunLine['level']>;

export type RunOfTenant = Awaited<ReturnType<typeof runsOfTenant>>;

/** Where the last run of a tenant failed, and the moment at which it is undone when nobody decides; null when it has not. */
export async function failureOf(tx: Tx, tenantId: string) {
	const step = await tx.provisioningStep.findFirst({
		where: { status: 'failed', job: { subjectId: tenantId, status: 'failed' } },
		orderBy: { finishedAt: 'desc' },
		select: {
			name: true,
			errorCode: true,
			errorParams: true,
			error: true,
			job: { select: { finishedAt: true, updatedAt: true } }
		}
	});
	if (!step) return null;
	const failedAt = step.job.finishedAt ?? step.job.updatedAt;
	const minutes = await setting('provisioning.retry_window_minutes');
	return { step: step.name, error: stepError(step), until: after(failedAt, minutes * MINUTE) };
}
