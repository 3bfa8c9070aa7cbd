import { z } from 'zod';
import { db } from '#lib/core/db.server.ts';
import { findCustomer } from '#lib/customers/customerView.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';
import { customerHosts } from '#lib/provisioning/customerHosts.server.ts';

const params = z.object({ id: z.uuid() });

export const GET = endpoint(
	{
		summary: 'The hosts at which a customer’s instances are published',
		permission: 'customers:read',
		params,
		response: z.array(
			z.object({
				domain: z.string(),
				url: z.url(),
				/** `platform`: under a domain of ours. */
				kind: z.enum(['platform']),
				tenant_id: z.uuid(),
				tenant_status: z.string(),
				published: z.boolean(),
				created_at: z.iso.datetime()
			})
		)
	},
	async ({ params }) => {
		const { id } = await findCustomer(db, params.id);
		const hosts = await customerHosts(db, id);
		return hosts.map((host) => ({
			domain: host.host,
			url: host.url,
			kind: 'platform' as const,
			tenant_id: host.id,
			tenant_status: host.status,
			published: host.published,
			created_at: host.createdAt.toISOString()
		}));
	}
);
