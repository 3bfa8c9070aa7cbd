import { z } from 'zod';
import type { StepContext } from '#lib/core/saga.server.ts';

export const limits = z.object({ cpuCores: z.number(), ramMb: z.number(), diskGb: z.number() });

/** What the move of an instance by its database remembers between its steps and over a crash. */
export const tenantMoveState = z.object({
	migrationId: z.uuid(),
	/** Between dedicated and dedicated_ha: the container stays. */
	inPlace: z.boolean(),
	/** Milliseconds since the epoch when each was first asked for. */
	roomAskedAt: z.number().optional(),
	containerAskedAt: z.number().optional(),
	offAirAskedAt: z.number().optional(),
	tunnelAskedAt: z.number().optional(),
	onAirAskedAt: z.number().optional(),
	/** In place: cores, memory and disk that its container was read back to have. */
	limits: limits.optional(),
	/** This run meant to take writing from the old database: what is undone is let in again. */
	holdIntended: z.boolean().optional(),
	/** The name was free on the other side, and this run meant to take it there. */
	nameIntended: z.boolean().optional(),
	/** Sizes and digests of the packed database and its files. */
	packed: z.array(z.object({ path: z.string(), bytes: z.number(), sha256: z.string() })).optional()
});
export type TenantMoveState = z.infer<typeof tenantMoveState>;
export type TenantMoveContext = StepContext<TenantMoveState>;

/** Last characters of a run's id, which are its random ones. */
function markOf(jobId: string): string {
	return jobId.replaceAll('-', '').slice(-12);
}

/**
 * What a run calls the database that is not (or no longer) the instance's own. No instance is ever called so: names of
 * instances have no underscore.
 */
export function sideName(databaseName: string, jobId: string): string {
	return `${databaseName}__${markOf(jobId)}`;
}

/**
 * What the old database is called while it is only kept: the two may be on one server, where no name is given twice.
 */
export function keptName(databaseName: string, jobId: string): string {
	return `${databaseName}__was_${markOf(jobId)}`;
}

/** Where a run's packed files lie inside a container. */
export function folderOf(jobId: string): string {
	return `/var/lib/erp-core/moves/${jobId}`;
}
