import { after, DAY, HOUR, now } from '#lib/core/clock.server.ts';
import { db, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { publish } from '#lib/core/live.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import type { StepContext } from '#lib/core/saga.server.ts';
import type { Trace } from '#lib/infrastructure/nodes/clients.server.ts';
import { setting } from '#lib/settings/settings.server.ts';
import type { Backup } from '#prisma/generated/client.ts';
import { dumpContainer } from './containerBackups.server.ts';
import { dumpDatabase } from './databaseBackups.server.ts';

declare module '#lib/core/queue.server.ts' {
	interface JobMap {
		'backups.take': { backupId: string };
		'backups.schedule': Record<string, never>;
		'backups.purge': Record<string, never>;
	}
}

/** What was written and read back. */
export interface Archive {
	/** Volume id in Proxmox, or absolute path in the container. */
	location: string;
	sizeBytes: number;
	sha256: string;
}

/** The archive, or why it takes longer: come back after `wait` seconds. */
export type Dump = { done: true; archive: Archive } | { done: false; wait: number };

/** What `takeLastBackup` needs of a saga step: its `context` fits. */
export type Run = Pick<StepContext<object>, 'jobId' | 'trace' | 'signal' | 'write' | 'log'>;

export type BackupProgress =
	| { ready: true; backupId: string; purgeAfter: Date | null; location: string }
	| { ready: false; wait: number };

/**
 * The backup of a run that is about to delete a tenant, or to move it: asked once per run, read back and hashed before it counts as
 * taken, kept for `backups.keep_last_days`. After a failure the next try writes another row.
 * @throws {VendorError} or {AppError} after the reason was stored in the failed row
 */
export async function takeLastBackup(
	run: Run,
	tenantId: string,
	reason: 'deletion' | 'move' = 'deletion'
): Promise<BackupProgress> {
	const backup = await run.write(async (tx) => {
		const unfinished = await tx.backup.findFirst({
			where: { tenantId, jobId: run.jobId, status: { in: ['running', 'succeeded'] } },
			orderBy: { startedAt: 'desc' }
		});
		return unfinished ?? createBackup(tx, tenantId, { reason, jobId: run.jobId });
	});
	const taken =
		backup.status === 'succeeded' ? backup : await advance(backup, run.trace, run.signal);
	if ('wait' in taken) return { ready: false, wait: taken.wait };
	return {
		ready: true,
		backupId: taken.id,
		purgeAfter: taken.purgeAfter,
		location: taken.location ?? ''
	};
}

/**
 * Asks for a backup of a tenant, as part of `tx`; a job takes it.
 * @param reason `manual`, `scheduled` …
 * @returns its id
 * @throws {AppError} NOT_FOUND, ALREADY_RUNNING, WRONG_STATE when the tenant has nothing to back up
 */
export async function requestBackup(tx: Tx, tenantId: string, reason: string): Promise<string> {
	const running = await tx.backup.count({ where: { tenantId, status: 'running' } });
	// Nothing reads a container that is on its way to another node.
	const moving = await tx.tenant.count({
		where: { id: tenantId, container: { moveToNodeId: { not: null } } }
	});
	if (running + moving > 0) throw new AppError('ALREADY_RUNNING');
	const { id } = await createBackup(tx, tenantId, { reason, jobId: null });
	await enqueue(tx, 'backups.take', { backupId: id });
	return id;
}

/** One run of `backups.take`: goes on where an earlier one was interrupted. */
export async function runBackup(backupId: string, signal: AbortSignal): Promise<void> {
	const backup = await db.backup.findUniqueOrThrow({ where: { id: backupId } });
	if (backup.status !== 'running') return;
	const trace = { customerId: backup.customerId, subjectId: backup.tenantId };
	const taken = await advance(backup, trace, signal);
	if (!('wait' in taken)) return;
	await db.$transaction((tx) =>
		enqueue(tx, 'backups.take', { backupId }, { startAfter: taken.wait })
	);
}

/** @throws {AppError} NOT_FOUND, WRONG_STATE */
async function createBackup(
	tx: Tx,
	tenantId: string,
	{ reason, jobId }: { reason: string; jobId: string | null }
): Promise<Backup> {
	const tenant = await tx.tenant.findUnique({
		where: { id: tenantId },
		select: {
			customerId: true,
			status: true,
			container: { select: { id: true, purpose: true, nodeId: true, postgresContainerId: true } }
		}
	});
	if (!tenant) throw new AppError('NOT_FOUND');
	if (!tenant.container) {
		throw new AppError('WRONG_STATE', { params: { from: tenant.status, to: 'backup' } });
	}
	return tx.backup.create({
		data: {
			tenantId,
			customerId: tenant.customerId,
			// What shares its container with others is saved alone, and so is what an archive of the container would not hold.
			kind:
				tenant.container.purpose === 'shared' || tenant.container.postgresContainerId
					? 'database'
					: 'container',
			nodeId: tenant.container.nodeId,
			containerId: tenant.container.id,
			reason,
			jobId
		}
	});
}

/** @returns the finished row, or the seconds until the next look while it still runs */
async function advance(
	backup: Backup,
	trace: Trace,
	signal: AbortSignal
): Promise<Backup | { wait: number }> {
	try {
		const dump =
			backup.kind === 'container'
				? await dumpContainer(backup, trace, signal)
				: await dumpDatabase(backup, trace);
		if (!dump.done) return { wait: dump.wait };
		return await finish(backup, dump.archive);
	} catch (error) {
		// Interrupted, not failed: the next run goes on.
		if (signal.aborted) throw error;
		await fail(backup, error instanceof Error ? error.message : String(error));
		throw error;
	}
}

async function finish(backup: Backup, archive: Archive): Promise<Backup> {
	const at = now();
	const purgeAfter = after(at, await keptFor(backup));
	return db.$transaction(async (tx) => {
		await publish(tx, `customer:${backup.customerId}`, backup.id);
		return tx.backup.update({
			where: { id: backup.id },
			data: {
				...archive,
				status: 'succeeded',
				error: null,
				verifiedAt: at,
				finishedAt: at,
				purgeAfter
			}
		});
	});
}

/** A scheduled one is kept for some days, and in any case until there are two newer ones. */
async function keptFor({ reason, tenantId }: Backup): Promise<number> {
	if (reason !== 'scheduled') return (await setting('backups.keep_last_days')) * DAY;
	const { plan } = await db.tenant.findUniqueOrThrow({
		where: { id: tenantId },
		select: { plan: { select: { backupIntervalHours: true } } }
	});
	const days = await setting('backups.keep_scheduled_days');
	return Math.max(days * DAY, 2 * plan.backupIntervalHours * HOUR);
}

async function fail(backup: Backup, reason: string): Promise<void> {
	await db.$transaction(async (tx) => {
		await tx.backup.update({
			where: { id: backup.id },
			data: { status: 'failed', error: reason.slice(0, 2_000), finishedAt: now() }
		});
		await publish(tx, `customer:${backup.customerId}`, backup.id);
	});
}
