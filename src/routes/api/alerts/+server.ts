import { z } from 'zod';
import { db } from '#lib/core/db.server.ts';
import { endpoint, paged, pageQuery } from '#lib/identity/endpoint.server.ts';
import { listAlerts } from '#lib/notifications/alertList.server.ts';
import { alertSchema, alertView } from '#lib/notifications/alerts/alertView.server.ts';
import { AlertSeverity } from '#prisma/generated/enums.ts';

export const GET = endpoint(
	{
		summary: 'List alerts of one state; those that wait for somebody unless state says otherwise',
		permission: 'notifications:read',
		query: pageQuery.extend({
			/** In rule, subject, facts and notes. */
			search: z.string().max(200).default(''),
			state: z.enum(['open', 'acknowledged', 'silenced', 'closed']).default('open'),
			severity: z.enum(AlertSeverity).optional(),
			/** The whole name: infrastructure.node-cpu. */
			rule: z.string().max(200).optional(),
			/** First and last day of opening, in UTC. */
			from: z.iso.date().optional(),
			to: z.iso.date().optional(),
			order: z.enum(['asc', 'desc']).default('desc')
		}),
		response: z.array(alertSchema)
	},
	async ({ query }) => {
		const { search, state, severity, rule, from, to, order, page, page_size, cursor } = query;
		const { rows, meta } = await listAlerts(db, {
			q: search.trim(),
			sort: { direction: order },
			filters: {
				state,
				...(severity && { severity }),
				...(rule && { rule }),
				...(from && { from }),
				...(to && { to })
			},
			...{ page, pageSize: page_size, cursor: cursor ?? null }
		});
		return paged(rows.map(alertView), meta);
	}
);
