import { verifyDomain } from '#lib/domains/custom/customDomains.server.ts';
import { ofDomain, onDomain } from '#lib/domains/custom/domainVerb.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';

export const POST = endpoint(
	{
		summary: 'Look at a domain now; what waited or failed is tried again',
		permission: 'domains:write',
		...ofDomain,
		status: 202
	},
	onDomain(verifyDomain)
);
