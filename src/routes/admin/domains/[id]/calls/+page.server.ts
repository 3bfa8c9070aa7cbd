import { db } from '#lib/core/db.server.ts';
import { domainOfId } from '#lib/domains/custom/staffDomain.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { CALL_LIST, calledVendors, listCalls } from '#lib/logs/callList.server.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	requireStaff(event, 'domains:read');
	const query = parseListQuery(event.url, CALL_LIST);
	const { id } = await domainOfId(db, event.params.id);
	const about = { jobIds: [], subjectIds: [id] };
	const { rows, meta } = await listCalls(db, { ...query, about });
	return { calls: rows, meta, vendors: await calledVendors(db) };
};
