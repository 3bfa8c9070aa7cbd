import { z } from 'zod';
import { db, transaction } from '#lib/core/db.server.ts';
import { addDomain } from '#lib/domains/custom/customDomains.server.ts';
import { domainJson, domainSchema, domainsJson } from '#lib/domains/custom/domainJson.server.ts';
import { DOMAIN_LIST, listDomainRows } from '#lib/domains/custom/domainList.server.ts';
import { namedTenant } from '#lib/domains/custom/domainTarget.server.ts';
import { actorOf } from '#lib/identity/actor.server.ts';
import { endpoint, paged, pageQuery } from '#lib/identity/endpoint.server.ts';

export const GET = endpoint(
	{
		summary: 'List customers’ own domains; removed ones only when status asks for them',
		permission: 'domains:read',
		query: pageQuery.extend({
			/** In domain, subdomain, company, contact and address. */
			search: z.string().max(300).default(''),
			/** One or more, separated by commas: pending, verifying, active, error, inactive, removed. */
			status: z.string().max(200).optional(),
			/** custom_hostname, account_cname or edge. */
			driver: z.string().max(60).optional(),
			/** none, pending, active or error; expiring: it ends within three weeks. */
			certificate: z.string().max(60).optional(),
			/** Name of the domain of ours that its instance is under. */
			base: z.string().max(253).optional(),
			customer_id: z.uuid().optional(),
			tenant_id: z.uuid().optional(),
			sort: z.enum(DOMAIN_LIST.sort).default('created_at'),
			order: z.enum(['asc', 'desc']).default('desc')
		}),
		response: z.array(domainSchema)
	},
	async ({ query }) => {
		const { status, driver, certificate, base, customer_id, tenant_id } = query;
		const { rows, meta } = await listDomainRows(db, {
			q: query.search.trim(),
			sort: { key: query.sort, direction: query.order },
			filters: { status, driver, certificate, base, customer: customer_id, tenant: tenant_id },
			page: query.page,
			pageSize: query.page_size,
			cursor: query.cursor ?? null
		});
		const domains = await domainsJson(
			db,
			rows.map(({ id }) => id)
		);
		return paged(domains, meta);
	}
);

export const POST = endpoint(
	{
		summary:
			'Add a domain to an instance; it becomes active by itself once its records are set and it is proven whose it is',
		permission: 'domains:write',
		body: z.object({
			/** In any case and script, with or without the last dot. */
			domain: z.string().trim().min(1).max(300),
			/** Id or subdomain of the instance. */
			tenant: z.string().trim().min(1).max(63).optional(),
			/** Enough when this customer has a single instance. */
			customer_id: z.uuid().optional(),
			/** The www of an apex, or the apex of a www, comes along and redirects. */
			with_www: z.boolean().default(false)
		}),
		response: domainSchema,
		status: 202
	},
	async ({ body, event }) => {
		const by = actorOf(event.locals.auth!);
		const { domain: hostname, tenant, customer_id: customerId, with_www: withSibling } = body;
		const added = await transaction(async (tx) => {
			const { id: tenantId } = await namedTenant(tx, { tenant, customerId });
			return addDomain(tx, { tenantId, hostname, withSibling }, by);
		});
		return domainJson(db, added[0]!.id);
	}
);
