import { deactivateDomain } from '#lib/domains/custom/customDomains.server.ts';
import { ofDomain, onDomain } from '#lib/domains/custom/domainVerb.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';

export const POST = endpoint(
	{
		summary: 'Switch a domain off; what was made for it stays',
		permission: 'domains:write',
		...ofDomain
	},
	onDomain(deactivateDomain)
);
