import { z } from 'zod';
import type { MigrationRow } from './migrations.server.ts';
import { moveFields, moveFieldsOf } from './moveFields.ts';

/** A migration of a tenant in the API. */
export const migrationSchema = z.object({
	id: z.uuid(),
	/** shared, dedicated, dedicated_ha */
	from_isolation: z.string(),
	to_isolation: z.string(),
	/** `node / CT 218`; null: not chosen yet. */
	from: z.string().nullable(),
	to: z.string().nullable(),
	/** The move of its container, when it goes with it; null: by its database. */
	container_move_id: z.uuid().nullable(),
	/** Until when the old one is kept. */
	keep_until: z.date().nullable(),
	confirmed_by: z.string().nullable(),
	...moveFields
});

/** @param row as staff see it */
export function migrationView(row: MigrationRow): z.input<typeof migrationSchema> {
	const { id, staff, fromIsolation, toIsolation, keepUntil } = row;
	return {
		...{ id, from_isolation: fromIsolation, to_isolation: toIsolation, keep_until: keepUntil },
		...{ from: staff?.from ?? null, to: staff?.to ?? null },
		container_move_id: staff?.containerMoveId ?? null,
		confirmed_by: staff?.confirmedBy ?? null,
		...moveFieldsOf(row, staff)
	};
}
