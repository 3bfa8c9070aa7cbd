import { db } from '#lib/core/db.server.ts';
import { domainOfId } from '#lib/domains/custom/staffDomain.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { TIMELINE_LIST } from '#lib/logs/timeline.server.ts';
import { domainScope } from '#lib/logs/timelineScope.server.ts';
import { csvOfList } from '#lib/ui/csv-response.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import { formattingLocale } from '#lib/ui/viewer.ts';
import { timelineColumns } from '../../../../timelineColumns.ts';
import { timelineFor } from '../../../../timelineFor.server.ts';
import type { RequestHandler } from './$types';

/** Exactly what the tab's filters leave of what happened to the domain, as far as this person may see it. */
export const GET: RequestHandler = async (event) => {
	const { permissions } = requireStaff(event, 'domains:read');
	const { id, hostname } = await domainOfId(db, event.params.id);
	const query = parseListQuery(event.url, TIMELINE_LIST);
	const languages = event.request.headers.get('accept-language');
	const columns = timelineColumns(formattingLocale(event.locals.locale, languages));
	return csvOfList(`actividad-${hostname}.csv`, columns, (page) =>
		timelineFor(permissions, domainScope(id), { ...query, ...page })
	);
};
