import { z } from 'zod';
import '#lib/core/validation.ts';

/** What moving a container asks for. */
export const moveForm = z.object({
	/** The node that it goes to; null, absent or empty: the best of its cluster when it begins. */
	node_id: z
		.union([z.uuid(), z.literal('')])
		.nullish()
		.transform((id) => id || null),
	reason: z
		.string()
		.trim()
		.max(500)
		.nullish()
		.transform((text) => text || null)
});
