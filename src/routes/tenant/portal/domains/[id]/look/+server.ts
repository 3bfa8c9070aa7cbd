import { json } from '@sveltejs/kit';
import { withOwnDomain } from '#lib/domains/custom/ownDomains.server.ts';
import { lookNow } from '#lib/domains/doctor/watch.server.ts';
import { requireCustomer } from '#lib/identity/guard.server.ts';
import type { RequestHandler } from './$types';

/** What is seen of a domain right now, for the page that watches it. */
export const POST: RequestHandler = async (event) => {
	const { scope } = requireCustomer(event, 'domains:read');
	const { id } = await withOwnDomain(scope, event.params.id, (_, domain) =>
		Promise.resolve(domain)
	);
	return json(await lookNow(id), { headers: { 'cache-control': 'no-store' } });
};
