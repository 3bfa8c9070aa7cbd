import { z } from 'zod';
import { transaction } from '#lib/core/db.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';
import { sendTest } from '#lib/notifications/webhooks/deliveries.server.ts';
import { deliverySchema, deliveryView } from '#lib/notifications/webhooks/webhookList.server.ts';

export const POST = endpoint(
	{
		summary: 'Send a webhook something that means nothing, to see it arrive; a job does it',
		permission: 'settings:write',
		params: z.object({ id: z.uuid() }),
		response: deliverySchema,
		status: 202
	},
	async ({ params, event }) => {
		const by = actorOf(event.locals.auth!);
		return deliveryView(await transaction((tx) => sendTest(tx, params.id, by)));
	}
);
