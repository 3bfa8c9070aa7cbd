import { z } from 'zod';
import { againstMove } from '../migrationWords.ts';
import type { PlanMoveView } from './planMoveView.server.ts';

/** What a change of plan means for an instance that must move for it, in the API. */
export const planMoveSchema = z.object({
	tenant_id: z.uuid(),
	subdomain: z.string(),
	/** shared, dedicated, dedicated_ha */
	from_isolation: z.string(),
	to_isolation: z.string(),
	/** now, period_end */
	begins: z.string(),
	/** Nothing is copied: the container stays where it is. */
	in_place: z.boolean(),
	expected_downtime_ms: z.number().int(),
	/** Hours that the previous copy is kept. */
	keep_hours: z.number(),
	/** Without any of these it may be ordered. */
	against: z.array(z.object({ code: z.string(), detail: z.string() }))
});

export function planMoveOfApi(move: PlanMoveView): z.input<typeof planMoveSchema> {
	return {
		...{ tenant_id: move.tenantId, subdomain: move.slug, begins: move.begins },
		...{ from_isolation: move.fromIsolation, to_isolation: move.toIsolation },
		...{ in_place: move.inPlace, expected_downtime_ms: Math.round(move.expectedMs) },
		keep_hours: move.keepHours,
		against: move.against.map((code) => ({ code, detail: againstMove(code) }))
	};
}
