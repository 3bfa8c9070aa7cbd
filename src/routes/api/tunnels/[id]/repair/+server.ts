import { z } from 'zod';
import { db, transaction } from '#lib/core/db.server.ts';
import { requestRepair } from '#lib/domains/tunnels/tunnelDrift.server.ts';
import { oneTunnel, tunnelSchema } from '#lib/domains/tunnels/tunnelView.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';

export const POST = endpoint(
	{
		summary: 'Put a tunnel right that somebody else has written, keeping or removing foreign rules',
		permission: 'domains:write',
		params: z.object({ id: z.uuid() }),
		body: z.object({
			foreign: z.enum(['keep', 'remove']).default('keep'),
			/** `diff.document` of the drifted change that was decided about; the last one when left out. */
			seen: z.string().max(100).optional()
		}),
		response: tunnelSchema,
		status: 202
	},
	async ({ params, body, event }) => {
		const by = actorOf(event.locals.auth!);
		await transaction((tx) => requestRepair(tx, params.id, body, by));
		return oneTunnel(db, params.id);
	}
);
