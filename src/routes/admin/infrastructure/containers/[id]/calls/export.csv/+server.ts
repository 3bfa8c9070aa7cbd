import { db } from '#lib/core/db.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { callsAbout } from '#lib/infrastructure/containers/containerPage.server.ts';
import { callColumns } from '#lib/logs/callColumns.ts';
import { CALL_LIST, listCalls } from '#lib/logs/callList.server.ts';
import { csvOfList } from '#lib/ui/csv-response.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { RequestHandler } from './$types';

/** Exactly the calls about one container that the list's search and filters leave. */
export const GET: RequestHandler = async (event) => {
	requireStaff(event, 'infrastructure:read');
	const query = parseListQuery(event.url, CALL_LIST);
	const { hostname, about } = await callsAbout(db, event.params.id);
	return csvOfList(`llamadas-${hostname}.csv`, callColumns(), (page) =>
		listCalls(db, { ...query, ...page, about })
	);
};
