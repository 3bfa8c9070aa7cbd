import { error, json } from '@sveltejs/kit';
import { z } from 'zod';
import { DAY } from '#lib/core/clock.server.ts';
import { publicRoute } from '#lib/identity/guard.server.ts';
import { isClockMovable, moveSandboxClock } from '#lib/settings/sandboxClock.server.ts';
import type { RequestHandler } from './$types';

const LONGEST = 3_660 * DAY;
const body = z.object({ offset_ms: z.number().int().min(-LONGEST).max(LONGEST) });

/** The sandbox's console posts here when somebody advances its clock. Without a sandbox there is no such page. */
export const POST: RequestHandler = async (event) => {
	publicRoute(event);
	if (!isClockMovable()) error(404);
	const given = body.safeParse(await event.request.json().catch(() => null));
	if (!given.success) return json({ error: 'offset_ms must be a whole number' }, { status: 400 });
	await moveSandboxClock(given.data.offset_ms);
	return json({ offset_ms: given.data.offset_ms });
};
