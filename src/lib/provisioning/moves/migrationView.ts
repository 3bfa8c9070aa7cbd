import { z } from 'zod';
import type { MigrationRow } from './migrations.server.ts';
import { downtimeMs, moveTrouble } from './moveViewWords.ts';

/** A migration of a tenant in the API. */
export const migrationSchema = z.object({
	id: z.uuid(),
	/** planned, running, confirming, succeeded, rolled_back, failed, cancelled */
	status: z.string(),
	/** shared, dedicated, dedicated_ha */
	from_isolation: z.string(),
	to_isolation: z.string(),
	/** `node / CT 218`; null: not chosen yet. */
	from: z.string().nullable(),
	to: z.string().nullable(),
	/** The move of its container, when it goes with it; null: by its database. */
	container_move_id: z.uuid().nullable(),
	job_id: z.uuid().nullable(),
	not_before: z.date().nullable(),
	/** An estimate, from earlier moves. */
	expected_downtime_ms: z.number().int().nullable(),
	/** As seen through the edge; null while it is not back. */
	downtime_ms: z.number().int().nullable(),
	off_air_at: z.date().nullable(),
	on_air_at: z.date().nullable(),
	/** Until when the old one is kept. */
	keep_until: z.date().nullable(),
	confirmed_by: z.string().nullable(),
	reason: z.string().nullable(),
	error: z.object({ message: z.string(), technical: z.string().nullable() }).nullable(),
	requested_by: z.string(),
	created_at: z.date(),
	started_at: z.date().nullable(),
	finished_at: z.date().nullable()
});

/** @param row as staff see it */
export function migrationView(row: MigrationRow): z.input<typeof migrationSchema> {
	const { staff } = row;
	const trouble = staff?.error ? moveTrouble(staff.error) : null;
	return {
		...{ id: row.id, status: row.status, job_id: row.jobId },
		...{ from_isolation: row.fromIsolation, to_isolation: row.toIsolation },
		...{ from: staff?.from ?? null, to: staff?.to ?? null },
		container_move_id: staff?.containerMoveId ?? null,
		...{ not_before: row.notBefore, expected_downtime_ms: row.expectedMs },
		downtime_ms: downtimeMs(row),
		...{ off_air_at: row.offAirAt, on_air_at: row.onAirAt, keep_until: row.keepUntil },
		...{ confirmed_by: staff?.confirmedBy ?? null, reason: staff?.reason ?? null },
		error: trouble && { message: trouble.sentence, technical: trouble.technical },
		...{ requested_by: staff?.byLabel ?? '', created_at: row.createdAt },
		...{ started_at: row.startedAt, finished_at: row.finishedAt }
	};
}
