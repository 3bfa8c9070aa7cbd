import { db } from '#lib/core/db.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import {
	listSilences,
	SILENCE_LIST,
	type SilenceRow
} from '#lib/notifications/alerts/silenceList.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { CsvColumn } from '#lib/ui/csv.ts';
import { csvOfList } from '#lib/ui/csv-response.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { RequestHandler } from './$types';

/** Exactly the silences that the list's state, search and filters leave. */
export const GET: RequestHandler = (event) => {
	requireStaff(event, 'notifications:read');
	const query = parseListQuery(event.url, SILENCE_LIST);
	const columns: CsvColumn<SilenceRow>[] = [
		{ label: m.alert_rule(), value: (row) => row.rule },
		{
			label: m.alert_silence_subject(),
			value: (row) => (row.subjectType ? `${row.subjectType} ${row.subjectId ?? ''}` : null)
		},
		{ label: m.alert_silence_reason(), value: (row) => row.reason },
		{ label: m.alert_silence_by(), value: (row) => row.byLabel },
		{ label: m.alert_opened(), value: (row) => row.createdAt },
		{ label: m.alert_silence_until(), value: (row) => row.until },
		{ label: m.alert_silence_ended_early(), value: (row) => row.endedAt }
	];
	return csvOfList('silencios.csv', columns, (page) => listSilences(db, { ...query, ...page }));
};
