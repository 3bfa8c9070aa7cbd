import { db } from '#lib/core/db.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { callsAbout } from '#lib/infrastructure/containers/containerPage.server.ts';
import { CALL_LIST, calledVendors, listCalls } from '#lib/logs/callList.server.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	requireStaff(event, 'infrastructure:read');
	const query = parseListQuery(event.url, CALL_LIST);
	const { about } = await callsAbout(db, event.params.id);
	const { rows, meta } = await listCalls(db, { ...query, about });
	return { calls: rows, meta, vendors: await calledVendors(db) };
};
