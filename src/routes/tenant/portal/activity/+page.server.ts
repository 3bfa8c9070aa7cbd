import { asCustomer } from '#lib/core/db.server.ts';
import { requireCustomer } from '#lib/identity/guard.server.ts';
import { ACTIVITY_LIST, listActivity } from '#lib/logs/customerActivity.server.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const { scope, customerId, user, permissions } = requireCustomer(event, 'activity:read');
	const query = parseListQuery(event.url, ACTIVITY_LIST);
	const seesAll = permissions.get('activity:read') === 'all';
	const whose = { customerId, address: seesAll ? null : user.email };
	return { seesAll, ...(await asCustomer(scope, (tx) => listActivity(tx, whose, query))) };
};
