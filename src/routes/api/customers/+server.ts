import { z } from 'zod';
import { db, transaction } from '#lib/core/db.server.ts';
import { addCustomer } from '#lib/customers/adding.server.ts';
import { CUSTOMER_LIST, listCustomers } from '#lib/customers/customerList.server.ts';
import { customerView } from '#lib/customers/customerView.server.ts';
import { createCustomerSchema, customerSchema } from '#lib/customers/schema.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { endpoint, paged, pageQuery } from '#lib/identity/endpoint.server.ts';

export const GET = endpoint(
	{
		summary: 'List customers; deleted ones only when status asks for them',
		permission: 'customers:read',
		query: pageQuery.extend({
			/** In company, contact and address. */
			search: z.string().max(200).default(''),
			/** One or more, separated by commas: pending, active, inactive, deleted. */
			status: z.string().max(200).optional(),
			/** Key of a plan, or `none`. */
			plan: z.string().max(60).optional(),
			/** ISO 3166-1 alpha-2. */
			country: z.string().max(2).optional(),
			sort: z.enum(CUSTOMER_LIST.sort).default('created_at'),
			order: z.enum(['asc', 'desc']).default('desc')
		}),
		response: z.array(customerSchema)
	},
	async ({ query }) => {
		const { rows, meta } = await listCustomers(db, {
			q: query.search.trim(),
			sort: { key: query.sort, direction: query.order },
			filters: { status: query.status, plan: query.plan, country: query.country },
			page: query.page,
			pageSize: query.page_size,
			cursor: query.cursor ?? null
		});
		return paged(rows.map(customerView), meta);
	}
);

export const POST = endpoint(
	{
		summary: 'Create a customer without an instance; POST /api/tenants makes both',
		permission: 'customers:write',
		body: createCustomerSchema,
		response: customerSchema,
		status: 201
	},
	async ({ body, event }) => {
		const by = actorOf(event.locals.auth!);
		const { locale } = event.locals;
		return customerView(await transaction((tx) => addCustomer(tx, body, { by, locale })));
	}
);
