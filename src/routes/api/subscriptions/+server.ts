import { z } from 'zod';
import { listSubscriptions, SUBSCRIPTION_LIST } from '#lib/billing/subscriptionList.server.ts';
import { subscriptionSchema, subscriptionViews } from '#lib/billing/subscriptionView.server.ts';
import { db } from '#lib/core/db.server.ts';
import { endpoint, paged, pageQuery } from '#lib/identity/endpoint.server.ts';

export const GET = endpoint(
	{
		summary: 'List subscriptions',
		permission: 'billing:read',
		query: pageQuery.extend({
			/** In company, contact and address. */
			search: z.string().max(200).default(''),
			status: z.enum(['pending', 'active', 'past_due', 'suspended', 'cancelled']).optional(),
			/** Key of a plan, all its versions. */
			plan: z.string().max(60).optional(),
			customer_id: z.uuid().optional(),
			sort: z.enum(SUBSCRIPTION_LIST.sort).default('created_at'),
			order: z.enum(['asc', 'desc']).default('desc')
		}),
		response: z.array(subscriptionSchema)
	},
	async ({ query }) => {
		const { rows, meta } = await listSubscriptions(db, {
			q: query.search.trim(),
			sort: { key: query.sort, direction: query.order },
			filters: { status: query.status, plan: query.plan, customerId: query.customer_id },
			page: query.page,
			pageSize: query.page_size,
			cursor: query.cursor ?? null
		});
		const views = await subscriptionViews(
			db,
			rows.map(({ id }) => id)
		);
		return paged(views, meta);
	}
);
