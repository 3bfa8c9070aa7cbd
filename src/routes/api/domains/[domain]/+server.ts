import { db } from '#lib/core/db.server.ts';
import { removeDomain } from '#lib/domains/custom/customDomains.server.ts';
import { domainJson } from '#lib/domains/custom/domainJson.server.ts';
import { ofDomain, onDomain } from '#lib/domains/custom/domainVerb.server.ts';
import { typedDomain } from '#lib/domains/custom/typedDomain.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';

export const GET = endpoint(
	{
		summary: 'One domain, by its name in any case or script, or by its id',
		permission: 'domains:read',
		...ofDomain
	},
	async ({ params }) => domainJson(db, (await typedDomain(db, params.domain)).id)
);

export const DELETE = endpoint(
	{
		summary:
			'Take a domain away with what only redirects to it; what was made for it at Cloudflare or on the edge is taken back, and nothing else',
		permission: 'domains:write',
		...ofDomain,
		status: 202
	},
	onDomain(removeDomain)
);
