import { db } from '#lib/core/db.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { callColumns } from '#lib/logs/callColumns.ts';
import { CALL_LIST, listCalls } from '#lib/logs/callList.server.ts';
import { csvOfList } from '#lib/ui/csv-response.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { RequestHandler } from './$types';

/** Exactly the calls that the list's search and filters leave. */
export const GET: RequestHandler = (event) => {
	requireStaff(event, 'logs:read');
	const query = parseListQuery(event.url, CALL_LIST);
	return csvOfList('llamadas.csv', callColumns(), (page) => listCalls(db, { ...query, ...page }));
};
