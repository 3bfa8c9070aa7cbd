import { z } from 'zod';
import { transaction } from '#lib/core/db.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';
import { replaceSecret } from '#lib/notifications/webhooks/endpoints.server.ts';

export const POST = endpoint(
	{
		summary: 'Replace the secret of a webhook; the answer holds the new one, this once',
		permission: 'settings:write',
		params: z.object({ id: z.uuid() }),
		response: z.object({ secret: z.string() }),
		stepUp: true,
		idempotent: false
	},
	async ({ params, event }) => {
		const by = actorOf(event.locals.auth!);
		return { secret: await transaction((tx) => replaceSecret(tx, params.id, by)) };
	}
);
