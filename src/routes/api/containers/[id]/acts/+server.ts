import { z } from 'zod';
import { db } from '#lib/core/db.server.ts';
import { endpoint, paged, pageQuery } from '#lib/identity/endpoint.server.ts';
import { listActs } from '#lib/infrastructure/containers/actList.server.ts';
import {
	actSchema,
	actView,
	oneContainer
} from '#lib/infrastructure/containers/containerView.server.ts';

export const GET = endpoint(
	{
		summary: 'What was asked of a container, the latest first',
		permission: 'infrastructure:read',
		params: z.object({ id: z.uuid() }),
		query: pageQuery.extend({
			status: z.enum(['queued', 'running', 'succeeded', 'failed']).optional(),
			order: z.enum(['asc', 'desc']).default('desc')
		}),
		response: z.array(actSchema)
	},
	async ({ params, query }) => {
		await oneContainer(db, params.id);
		const { rows, meta } = await listActs(db, params.id, {
			...{ page: query.page, pageSize: query.page_size, cursor: query.cursor ?? null },
			...{ sort: { direction: query.order }, filters: query.status ? { status: query.status } : {} }
		});
		return paged(rows.map(actView), meta);
	}
);
