import { endPrimary, makePrimary } from '#lib/domains/custom/customDomains.server.ts';
import { ofDomain, onDomain } from '#lib/domains/custom/domainVerb.server.ts';
import { endpoint } from '#lib/identity/endpoint.server.ts';

export const POST = endpoint(
	{
		summary:
			'Make a domain the address of its instance: links and mails name it, the other hosts redirect to it while it works',
		permission: 'domains:write',
		...ofDomain
	},
	onDomain(makePrimary)
);

export const DELETE = endpoint(
	{
		summary: 'Make the platform’s own subdomain the address of the instance again',
		permission: 'domains:write',
		...ofDomain
	},
	onDomain(endPrimary)
);
