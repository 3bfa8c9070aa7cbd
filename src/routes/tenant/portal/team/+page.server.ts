import { asCustomer } from '#lib/core/db.server.ts';
import { requireCustomer } from '#lib/identity/guard.server.ts';
import { listMembers, MEMBER_LIST } from '#lib/identity/memberList.server.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const { scope, customerId, user } = requireCustomer(event, 'team:read');
	const query = parseListQuery(event.url, MEMBER_LIST);
	const { rows, meta } = await asCustomer(scope, (tx) => listMembers(tx, customerId, query));
	return { rows: rows.map((row) => ({ ...row, isSelf: row.user.id === user.id })), meta };
};
