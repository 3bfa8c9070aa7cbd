import { z } from 'zod';
import '#lib/core/validation.ts';

/** Two weeks: who is told earlier has forgotten it. */
const MOST_NOTICE_HOURS = 24 * 14;

/** What emptying a node asks for. */
export const drainForm = z.object({
	/** Why: kept with the maintenance, for colleagues. */
	reason: z.string().trim().min(3).max(500),
	/** Hours that customers are told before; 0: it begins at once. Absent: what the setting says. */
	notice_hours: z.coerce.number().int().min(0).max(MOST_NOTICE_HOURS).optional()
});
