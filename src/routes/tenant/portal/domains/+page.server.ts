import { asCustomer } from '#lib/core/db.server.ts';
import {
	domainInstances,
	listOwnDomains,
	OWN_DOMAIN_LIST
} from '#lib/domains/custom/ownDomains.server.ts';
import { requireCustomer } from '#lib/identity/guard.server.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const { scope, customerId } = requireCustomer(event, 'domains:read');
	const query = parseListQuery(event.url, OWN_DOMAIN_LIST);
	return asCustomer(scope, async (tx) => ({
		...(await listOwnDomains(tx, customerId, query)),
		instances: await domainInstances(tx, customerId)
	}));
};
