import { db } from '#lib/core/db.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { containerOfId } from '#lib/infrastructure/containers/containerPage.server.ts';
import { TIMELINE_LIST } from '#lib/logs/timeline.server.ts';
import { containerScope } from '#lib/logs/timelineScope.server.ts';
import { csvOfList } from '#lib/ui/csv-response.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import { formattingLocale } from '#lib/ui/viewer.ts';
import { timelineColumns } from '../../../../../timelineColumns.ts';
import { timelineFor } from '../../../../../timelineFor.server.ts';
import type { RequestHandler } from './$types';

/** Exactly what the tab's filters leave of what happened to the container, as far as this person may see it. */
export const GET: RequestHandler = async (event) => {
	const { permissions } = requireStaff(event, 'infrastructure:read');
	const { id, hostname } = await containerOfId(db, event.params.id);
	const query = parseListQuery(event.url, TIMELINE_LIST);
	const languages = event.request.headers.get('accept-language');
	const columns = timelineColumns(formattingLocale(event.locals.locale, languages));
	return csvOfList(`actividad-${hostname}.csv`, columns, (page) =>
		timelineFor(permissions, containerScope(id), { ...query, ...page })
	);
};
