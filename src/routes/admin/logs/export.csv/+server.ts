import { db } from '#lib/core/db.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { ENTRY_LIST, listEntries } from '#lib/logs/entryList.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { CsvColumn } from '#lib/ui/csv.ts';
import { csvOfList } from '#lib/ui/csv-response.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';
import type { LogEntry } from '#prisma/generated/client.ts';
import type { RequestHandler } from './$types';

/** Exactly what the log's search and filters leave. */
export const GET: RequestHandler = (event) => {
	requireStaff(event, 'logs:read');
	const query = parseListQuery(event.url, ENTRY_LIST);
	const columns: CsvColumn<LogEntry>[] = [
		{ label: m.calls_when(), value: (row) => row.at },
		{ label: m.log_level(), value: (row) => row.level },
		{ label: m.logs_source(), value: (row) => row.source },
		{ label: m.tenants_step(), value: (row) => row.stepName },
		{ label: m.logs_message(), value: (row) => row.message },
		{ label: 'job_id', value: (row) => row.jobId }
	];
	return csvOfList('registro.csv', columns, (page) => listEntries(db, { ...query, ...page }));
};
