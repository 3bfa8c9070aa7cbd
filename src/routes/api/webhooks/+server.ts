import { z } from 'zod';
import { db, transaction } from '#lib/core/db.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { endpoint, paged, pageQuery } from '#lib/identity/endpoint.server.ts';
import { addEndpoint } from '#lib/notifications/webhooks/endpoints.server.ts';
import { webhookBody } from '#lib/notifications/webhooks/webhookForms.ts';
import {
	listEndpoints,
	webhookSchema,
	webhookView
} from '#lib/notifications/webhooks/webhookList.server.ts';

export const GET = endpoint(
	{
		summary: 'List the systems that are told of what happens; never their secrets',
		permission: 'settings:read',
		query: pageQuery.extend({
			/** In name and address. */
			search: z.string().max(200).default(''),
			state: z.enum(['on', 'off']).optional(),
			order: z.enum(['asc', 'desc']).default('desc')
		}),
		response: z.array(webhookSchema)
	},
	async ({ query }) => {
		const { search, state, order, page, page_size, cursor } = query;
		const { rows, meta } = await listEndpoints(db, {
			q: search.trim(),
			sort: { direction: order },
			filters: { ...(state && { state }) },
			...{ page, pageSize: page_size, cursor: cursor ?? null }
		});
		return paged(rows.map(webhookView), meta);
	}
);

export const POST = endpoint(
	{
		summary: 'Add a webhook; the answer holds the secret that signs its deliveries, this once',
		permission: 'settings:write',
		body: webhookBody,
		response: webhookSchema.extend({ secret: z.string() }),
		status: 201,
		stepUp: true,
		idempotent: false
	},
	async ({ body, event }) => {
		const by = actorOf(event.locals.auth!);
		const { endpoint, secret } = await transaction((tx) => addEndpoint(tx, body, by));
		return { ...webhookView(endpoint), secret };
	}
);
