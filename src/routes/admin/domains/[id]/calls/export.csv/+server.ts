import { db } from '#lib/core/db.server.ts';
import { domainOfId } from '#lib/domains/custom/staffDomain.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { callColumns } from '#lib/logs/callColumns.ts';
import { CALL_LIST, listCalls } from '#lib/logs/callList.server.ts';
import { csvOfList } from '#lib/ui/csv-response.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { RequestHandler } from './$types';

/** Exactly the calls about one domain that the list's search and filters leave. */
export const GET: RequestHandler = async (event) => {
	requireStaff(event, 'domains:read');
	const query = parseListQuery(event.url, CALL_LIST);
	const { id, hostname } = await domainOfId(db, event.params.id);
	const about = { jobIds: [], subjectIds: [id] };
	return csvOfList(`llamadas-${hostname}.csv`, callColumns(), (page) =>
		listCalls(db, { ...query, ...page, about })
	);
};
