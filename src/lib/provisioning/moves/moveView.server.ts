import { z } from 'zod';
import type { Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { moveRows, type MoveRow } from './moveList.server.ts';
import { downtimeMs, moveTrouble } from './moveViewWords.ts';

const node = z.object({ id: z.uuid(), name: z.string() });

/** A container's move in the API. */
export const moveSchema = z.object({
	id: z.uuid(),
	/** planned, running, confirming, succeeded, rolled_back, failed, cancelled */
	status: z.string(),
	container: z.object({ id: z.uuid(), vmid: z.number().int(), hostname: z.string() }),
	from: node,
	/** Null: chosen when it begins. */
	to: node.nullable(),
	/** Its drain, when its node is being emptied. */
	drain_id: z.uuid().nullable(),
	/** The run that carries it out; its steps are in the page. */
	job_id: z.uuid().nullable(),
	/** Everybody who is off the air meanwhile. */
	tenants: z.array(z.object({ id: z.uuid(), subdomain: z.string() })),
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
});

export function moveView(row: MoveRow): z.input<typeof moveSchema> {
	const trouble = row.error === null ? null : moveTrouble(row.error);
	return {
		...{ id: row.id, status: row.status, drain_id: row.drainId, job_id: row.jobId },
		container: { id: row.containerId, ...row.container },
		from: { id: row.fromNodeId, name: row.from },
		to: row.toNodeId && row.to ? { id: row.toNodeId, name: row.to } : null,
		tenants: row.tenants.map(({ id, slug }) => ({ id, subdomain: slug })),
		...{ not_before: row.notBefore, expected_downtime_ms: row.expectedMs },
		downtime_ms: downtimeMs(row),
		...{ off_air_at: row.offAirAt, on_air_at: row.onAirAt, reason: row.reason },
		error: trouble && { message: trouble.sentence, technical: trouble.technical },
		...{ requested_by: row.byLabel, created_at: row.createdAt },
		...{ started_at: row.startedAt, finished_at: row.finishedAt }
	};
}

/** @throws {AppError} NOT_FOUND */
export async function moveOfId(tx: Tx, id: string): Promise<MoveRow> {
	const [row] = z.uuid().safeParse(id).success ? await moveRows(tx, [id]) : [];
	if (!row) throw new AppError('NOT_FOUND');
	return row;
}

/** The move of a container that is planned or under way; null when there is none. */
export async function openMoveOf(tx: Tx, containerId: string): Promise<MoveRow | null> {
	const open = await tx.containerMove.findFirst({
		where: { containerId, status: { in: ['planned', 'running'] } },
		select: { id: true }
	});
	const [row] = open ? await moveRows(tx, [open.id]) : [];
	return row ?? null;
}
