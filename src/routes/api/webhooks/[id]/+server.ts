import { z } from 'zod';
import { db, transaction } from '#lib/core/db.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';
import {
	editEndpoint,
	findEndpoint,
	removeEndpoint
} from '#lib/notifications/webhooks/endpoints.server.ts';
import { webhookBody } from '#lib/notifications/webhooks/webhookForms.ts';
import { webhookSchema, webhookView } from '#lib/notifications/webhooks/webhookList.server.ts';

const params = z.object({ id: z.uuid() });

export const GET = endpoint(
	{ summary: 'One webhook', permission: 'settings:read', params, response: webhookSchema },
	async ({ params }) => webhookView(await findEndpoint(db, params.id))
);

export const PUT = endpoint(
	{
		summary: 'Change a webhook; enabled, it is no longer paused. 409 when it has another revision',
		permission: 'settings:write',
		params,
		body: z.intersection(webhookBody, z.object({ revision: z.int() })),
		response: webhookSchema,
		stepUp: true
	},
	async ({ params, body: { revision: seen, ...input }, event }) => {
		const by = actorOf(event.locals.auth!);
		return webhookView(await transaction((tx) => editEndpoint(tx, params.id, { seen, input, by })));
	}
);

export const DELETE = endpoint(
	{
		summary: 'Remove a webhook, with the record of what was sent to it',
		permission: 'settings:write',
		params,
		response: webhookSchema,
		stepUp: true
	},
	async ({ params, event }) => {
		const by = actorOf(event.locals.auth!);
		return webhookView(await transaction((tx) => removeEndpoint(tx, params.id, by)));
	}
);
