import { z } from 'zod';
import { db } from '#lib/core/db.server.ts';
import { endpoint, paged, pageQuery } from '#lib/identity/endpoint.server.ts';
import { findEndpoint } from '#lib/notifications/webhooks/endpoints.server.ts';
import {
	deliverySchema,
	deliveryView,
	listDeliveries
} from '#lib/notifications/webhooks/webhookList.server.ts';
import { WebhookDeliveryStatus } from '#prisma/generated/enums.ts';

export const GET = endpoint(
	{
		summary: 'List what was sent to a webhook, with what it answered',
		permission: 'settings:read',
		params: z.object({ id: z.uuid() }),
		query: pageQuery.extend({
			status: z.enum(WebhookDeliveryStatus).optional(),
			event: z.string().max(100).optional(),
			order: z.enum(['asc', 'desc']).default('desc')
		}),
		response: z.array(deliverySchema)
	},
	async ({ params, query }) => {
		const { status, event, order, page, page_size, cursor } = query;
		const { id } = await findEndpoint(db, params.id);
		const { rows, meta } = await listDeliveries(db, id, {
			...{ q: '', sort: { direction: order } },
			filters: { ...(status && { status }), ...(event && { event }) },
			...{ page, pageSize: page_size, cursor: cursor ?? null }
		});
		return paged(rows.map(deliveryView), meta);
	}
);
