import { db } from '#lib/core/db.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { ALERT_LIST, listAlerts, type ListedAlert } from '#lib/notifications/alertList.server.ts';
import { alertSeverity } from '#lib/notifications/alertWords.ts';
import { notificationSentence } from '#lib/notifications/sentences.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { CsvColumn } from '#lib/ui/csv.ts';
import { csvOfList } from '#lib/ui/csv-response.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { RequestHandler } from './$types';

/** Exactly the alerts that the list's state, search and filters leave. */
export const GET: RequestHandler = (event) => {
	requireStaff(event, 'notifications:read');
	const query = parseListQuery(event.url, ALERT_LIST);
	const columns: CsvColumn<ListedAlert>[] = [
		{ label: m.alert_opened(), value: (row) => row.openedAt },
		{ label: m.alert_severity(), value: (row) => alertSeverity(row.severity).label },
		{ label: m.alert_one(), value: (row) => notificationSentence(row.rule, row.data) },
		{ label: m.alert_rule(), value: (row) => row.rule },
		{ label: m.audit_subject(), value: (row) => `${row.subjectType} ${row.subjectId}` },
		{ label: m.alert_acknowledged(), value: (row) => row.acknowledgedAt },
		{ label: m.alert_acknowledged_by(), value: (row) => row.acknowledgedName },
		{ label: m.alert_note(), value: (row) => row.acknowledgedNote },
		{ label: m.alert_silenced_until(), value: (row) => row.silence?.until ?? null },
		{ label: m.alert_closed(), value: (row) => row.closedAt }
	];
	return csvOfList('alertas.csv', columns, (page) => listAlerts(db, { ...query, ...page }));
};
