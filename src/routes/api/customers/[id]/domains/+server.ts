import { z } from 'zod';
import { db } from '#lib/core/db.server.ts';
import { findCustomer } from '#lib/customers/customerView.server.ts';
import { hostUrl } from '#lib/domains/custom/domainHosts.server.ts';
import { domainsOf } from '#lib/domains/custom/staffDomain.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';
import { customerHosts } from '#lib/provisioning/customerHosts.server.ts';

const params = z.object({ id: z.uuid() });

export const GET = endpoint(
	{
		summary: 'The hosts at which a customer’s instances are reached: ours, and its own domains',
		permission: 'customers:read',
		params,
		response: z.array(
			z.object({
				domain: z.string(),
				url: z.url(),
				/** `platform`: under a domain of ours; `custom`: the customer's own, see /api/domains/{domain}. */
				kind: z.enum(['platform', 'custom']),
				/** Of a customer's own: pending, verifying, active, error or inactive. */
				status: z.string().nullable(),
				primary: z.boolean(),
				/** The domain that it only sends on to. */
				redirect_to: z.string().nullable(),
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
		const domains = await domainsOf(db, { customerId: id });
		return [
			...hosts.map((host) => ({
				...{ domain: host.host, url: host.url, kind: 'platform' as const, status: null },
				// Its own name is its address while no domain of its customer is.
				primary: !domains.some((one) => one.tenantId === host.id && one.isPrimary),
				redirect_to: null,
				...{ tenant_id: host.id, tenant_status: host.status, published: host.published },
				created_at: host.createdAt.toISOString()
			})),
			...domains.map((one) => ({
				...{ domain: one.hostname, url: hostUrl(one.hostname), kind: 'custom' as const },
				...{ status: one.status, primary: one.isPrimary, redirect_to: one.redirectTo },
				...{ tenant_id: one.tenantId, tenant_status: one.tenantStatus, published: one.published },
				created_at: one.createdAt.toISOString()
			}))
		];
	}
);
