import { z } from 'zod';
import type { Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { moveRows, type MoveRow } from './moveList.server.ts';
import { moveFields, moveFieldsOf } from './moveFields.ts';

const node = z.object({ id: z.uuid(), name: z.string() });

/** A container's move in the API. */
export const moveSchema = z.object({
	id: z.uuid(),
	container: z.object({ id: z.uuid(), vmid: z.number().int(), hostname: z.string() }),
	from: node,
	/** Null: chosen when it begins. */
	to: node.nullable(),
	/** Its drain, when its node is being emptied. */
	drain_id: z.uuid().nullable(),
	/** Everybody who is off the air meanwhile. */
	tenants: z.array(z.object({ id: z.uuid(), subdomain: z.string() })),
	...moveFields
});

export function moveView(row: MoveRow): z.input<typeof moveSchema> {
	return {
		...{ id: row.id, drain_id: row.drainId },
		container: { id: row.containerId, ...row.container },
		from: { id: row.fromNodeId, name: row.from },
		to: row.toNodeId && row.to ? { id: row.toNodeId, name: row.to } : null,
		tenants: row.tenants.map(({ id, slug }) => ({ id, subdomain: slug })),
		...moveFieldsOf(row, row)
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
