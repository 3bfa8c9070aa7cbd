import { z } from 'zod';
import type { MoveStatus } from '#prisma/generated/enums.ts';
import { downtimeMs, moveTrouble } from './moveViewWords.ts';

/** What the API says of every move, of a container or of one instance. */
export const moveFields = {
	/** planned, running, confirming, succeeded, rolled_back, failed, cancelled */
	status: z.string(),
	/** The run that carries it out; its steps are in the page. */
	job_id: z.uuid().nullable(),
	not_before: z.date().nullable(),
	/** An estimate, from earlier moves. */
	expected_downtime_ms: z.number().int().nullable(),
	/** As seen through the edge, of the instance that was off the air longest; null while it is not back. */
	downtime_ms: z.number().int().nullable(),
	off_air_at: z.date().nullable(),
	on_air_at: z.date().nullable(),
	reason: z.string().nullable(),
	/** Why it waits, failed or was turned back. */
	error: z.object({ message: z.string(), technical: z.string().nullable() }).nullable(),
	requested_by: z.string(),
	created_at: z.date(),
	started_at: z.date().nullable(),
	finished_at: z.date().nullable()
};

interface Moved {
	status: MoveStatus;
	jobId: string | null;
	notBefore: Date | null;
	expectedMs: number | null;
	offAirAt: Date | null;
	onAirAt: Date | null;
	createdAt: Date;
	startedAt: Date | null;
	finishedAt: Date | null;
}

/** What only staff know of it. */
interface Told {
	error: string | null;
	reason: string | null;
	byLabel: string;
}

export function moveFieldsOf(row: Moved, told: Told | null) {
	const trouble = told?.error ? moveTrouble(told.error) : null;
	return {
		...{ status: row.status, job_id: row.jobId, not_before: row.notBefore },
		...{ expected_downtime_ms: row.expectedMs, downtime_ms: downtimeMs(row) },
		...{ off_air_at: row.offAirAt, on_air_at: row.onAirAt, reason: told?.reason ?? null },
		error: trouble && { message: trouble.sentence, technical: trouble.technical },
		...{ requested_by: told?.byLabel ?? '', created_at: row.createdAt },
		...{ started_at: row.startedAt, finished_at: row.finishedAt }
	};
}
