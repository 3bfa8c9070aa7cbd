import { activateDomain } from '#lib/domains/custom/customDomains.server.ts';
import { ofDomain, onDomain } from '#lib/domains/custom/domainVerb.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';

export const POST = endpoint(
	{
		summary: 'Switch a domain on again; whether it still works is looked at at once',
		permission: 'domains:write',
		...ofDomain
	},
	onDomain(activateDomain)
);
