import { z } from 'zod';
import '#lib/core/validation.ts';

const plan = z.string().trim().min(1).max(60);

/** How many containers of a plan a node keeps ready; in forms and in the API. */
export const poolTargetForm = z.object({
	/** Key of the plan. */
	plan,
	target: z.coerce.number().int().min(0).max(50)
});

export const poolPlanForm = z.object({ plan });
