import { db } from '#lib/core/db.server.ts';
import { findCustomer } from '#lib/customers/customerView.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { TIMELINE_LIST } from '#lib/logs/timeline.server.ts';
import { customerScope } from '#lib/logs/timelineScope.server.ts';
import { csvOfList } from '#lib/ui/csv-response.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import { formattingLocale } from '#lib/ui/viewer.ts';
import { timelineColumns } from '../../../../timelineColumns.ts';
import { timelineFor } from '../../../../timelineFor.server.ts';
import type { RequestHandler } from './$types';

/** Exactly what the tab's filters leave of what happened to the company, as far as this person may see it. */
export const GET: RequestHandler = async (event) => {
	const { permissions } = requireStaff(event, 'customers:read');
	const { id } = await findCustomer(db, event.params.id);
	const query = parseListQuery(event.url, TIMELINE_LIST);
	const languages = event.request.headers.get('accept-language');
	const columns = timelineColumns(formattingLocale(event.locals.locale, languages));
	return csvOfList(`actividad-${id.slice(-8)}.csv`, columns, (page) =>
		timelineFor(permissions, customerScope(id), { ...query, ...page })
	);
};
