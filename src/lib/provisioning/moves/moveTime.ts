import { z } from 'zod';
import '#lib/core/validation.ts';
import { hourOf } from '#lib/core/dates.ts';
import { validZone } from '#lib/ui/viewer.ts';

const fields = {
	move_at: z.union([z.iso.date(), z.literal('')]).default(''),
	move_hour: z.coerce.number().int().min(0).max(23).default(3),
	/** In which the day and the hour were chosen. */
	move_zone: z.string().max(60).default('')
};

/** What `MoveTime.svelte` sends: without a day at once. */
export const moveTimeForm = z.object(fields);

/** The moment that was chosen; null: at once. */
export function moveTimeOf(chosen: z.output<typeof moveTimeForm>): Date | null {
	const { move_at: day, move_hour: hour, move_zone: zone } = chosen;
	return day ? hourOf(day, hour, validZone(zone)) : null;
}
