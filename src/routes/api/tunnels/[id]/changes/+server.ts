import { z } from 'zod';
import { db } from '#lib/core/db.server.ts';
import { listChanges } from '#lib/domains/tunnels/tunnelLog.server.ts';
import {
	changeView,
	oneTunnel,
	tunnelChangeSchema
} from '#lib/domains/tunnels/tunnelView.server.ts';
import { endpoint, paged, pageQuery } from '#lib/identity/endpoint.server.ts';

export const GET = endpoint(
	{
		summary: 'What happened to a tunnel, the latest first: who wrote it and which rules changed',
		permission: 'domains:read',
		params: z.object({ id: z.uuid() }),
		query: pageQuery.extend({ order: z.enum(['asc', 'desc']).default('desc') }),
		response: z.array(tunnelChangeSchema)
	},
	async ({ params, query }) => {
		await oneTunnel(db, params.id);
		const { rows, meta } = await listChanges(db, params.id, {
			...{ page: query.page, pageSize: query.page_size, cursor: query.cursor ?? null },
			sort: { direction: query.order }
		});
		return paged(rows.map(changeView), meta);
	}
);
