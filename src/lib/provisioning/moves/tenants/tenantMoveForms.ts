import { z } from 'zod';
import '#lib/core/validation.ts';
import { Isolation } from '#prisma/generated/enums.ts';
import { moveTimeForm } from '../moveTime.ts';

const id = z
	.union([z.uuid(), z.literal('')])
	.nullish()
	.transform((value) => value || null);

/** Where staff want an instance to go: what a page's address asks about, and what is then ordered. */
export const destinationForm = z.object({
	isolation: z.enum(Isolation),
	/** Absent or empty: wherever there is room. */
	cluster_id: id,
	node_id: id
});

/** The order, on the page that showed what it means. */
export const tenantMoveForm = moveTimeForm.extend({
	...destinationForm.shape,
	reason: z.string().trim().max(500).default(''),
	confirm: z.string().trim().max(200).default('')
});

/** The order through the API. */
export const tenantMoveBody = z.strictObject({
	...destinationForm.shape,
	/** Nothing begins before; absent: at once. */
	not_before: z.iso.datetime().nullish(),
	reason: z.string().trim().max(500).nullish()
});
