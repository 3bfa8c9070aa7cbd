import { z } from 'zod';
import { db, transaction } from '#lib/core/db.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { endpoint, paged, pageQuery } from '#lib/identity/endpoint.server.ts';
import { createTenantSchema } from '#lib/provisioning/schema.ts';
import { createByStaff } from '#lib/provisioning/staffTenants.server.ts';
import { listTenants, TENANT_LIST } from '#lib/provisioning/tenantList.server.ts';
import { oneTenant, tenantSchema } from '#lib/provisioning/tenantView.server.ts';

export const GET = endpoint(
	{
		summary: 'List tenants; deleted and refunded ones only when status asks for them',
		permission: 'tenants:read',
		query: pageQuery.extend({
			/** In name, company, contact and address. */
			search: z.string().max(200).default(''),
			/** One or more, separated by commas. */
			status: z.string().max(200).optional(),
			plan: z.string().max(60).optional(),
			node: z.string().max(60).optional(),
			sort: z.enum(TENANT_LIST.sort).default('created_at'),
			order: z.enum(['asc', 'desc']).default('desc')
		}),
		response: z.array(tenantSchema)
	},
	async ({ query }) => {
		const { rows, meta } = await listTenants(db, {
			q: query.search.trim(),
			sort: { key: query.sort, direction: query.order },
			filters: { status: query.status, plan: query.plan, node: query.node },
			page: query.page,
			pageSize: query.page_size,
			cursor: query.cursor ?? null
		});
		return paged(rows, meta);
	}
);

export const POST = endpoint(
	{
		summary:
			'Create a tenant: its set-up starts at once, or after payment with billing checkout_link',
		permission: 'tenants:create',
		body: createTenantSchema,
		response: tenantSchema,
		status: 202
	},
	async ({ body, event }) => {
		const by = actorOf(event.locals.auth!);
		const { id } = await transaction((tx) =>
			createByStaff(tx, body, { by, locale: event.locals.locale })
		);
		return oneTenant(db, id);
	}
);
