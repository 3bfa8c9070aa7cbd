import { db } from '#lib/core/db.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { callColumns } from '#lib/logs/callColumns.ts';
import { CALL_LIST, listCalls } from '#lib/logs/callList.server.ts';
import { findTenant } from '#lib/provisioning/tenantView.server.ts';
import { traceOfTenant } from '#lib/provisioning/trace.server.ts';
import { csvOfList } from '#lib/ui/csv-response.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { RequestHandler } from './$types';

/** Exactly the calls about one tenant that the list's search and filters leave. */
export const GET: RequestHandler = async (event) => {
	requireStaff(event, 'tenants:read');
	const query = parseListQuery(event.url, CALL_LIST);
	const { slug } = await findTenant(db, event.params.id);
	const about = await traceOfTenant(db, event.params.id);
	return csvOfList(`llamadas-${slug}.csv`, callColumns(), (page) =>
		listCalls(db, { ...query, ...page, about })
	);
};
